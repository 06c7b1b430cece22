import { get } from "./api.js";
import { byId, element, setText } from "./elements.js";
import { operations } from "./operations.js";
import { showProblem } from "./showProblem.js";

/** @typedef {import("./operations.js").Operation} Operation */
/** @typedef {import("./operations.js").Content} Content */

try {
  const openapi = await get("/api/openapi.json", AbortSignal.timeout(10_000));
  setText("docs-title", `${openapi.info.title} ${openapi.info.version}`);
  const sections = operations(openapi).map(section);
  const schemas = openapi.components?.schemas ?? {};
  if (Object.keys(schemas).length > 0) sections.push(schemaSection(schemas));
  byId("docs-operations", HTMLElement).replaceChildren(...sections);
  setText("docs-status", openapi.info.description ?? "");
} catch (error) {
  setText("docs-status", "");
  showProblem(byId("docs-problem", HTMLElement), error);
}

/** @param {Operation} operation */
function section({ method, path, summary, description, parameters, request, responses }) {
  /** @type {HTMLElement[]} */
  const parts = [element("h2", {}, `${method} ${path}`), element("p", {}, summary)];
  if (description) parts.push(element("p", { class: "quiet" }, description));
  for (const { name, where, required, schema, description: what } of parameters) {
    const kind = `${where}${required ? ", required" : ""}`;
    parts.push(json(`Parameter ${name} (${kind}) ${what}`, schema));
  }
  for (const { types, schema } of request) parts.push(json(`Request: ${types.join(", ")}`, schema));
  for (const response of responses) {
    const title = `Response ${response.status}: ${response.description}`;
    if (response.content.length === 0) parts.push(element("p", {}, title));
    for (const { types, schema } of response.content) {
      parts.push(json(`${title} (${types.join(", ")})`, schema));
    }
  }
  return element("section", {}, ...parts);
}

/** @param {Record<string, unknown>} schemas */
function schemaSection(schemas) {
  const parts = Object.entries(schemas).map(([name, schema]) => json(name, schema));
  return element("section", {}, element("h2", {}, "Schemas"), ...parts);
}

/**
 * @param {string} title
 * @param {unknown} schema
 */
function json(title, schema) {
  return element(
    "details", {},
    element("summary", {}, title),
    element("pre", { tabindex: "0" }, JSON.stringify(schema, null, 2)),
  );
}
