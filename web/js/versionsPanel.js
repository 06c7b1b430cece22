import { change } from "./api.js";
import { byId, element, setText } from "./elements.js";
import { dateTime, percent } from "./format.js";
import { describeEvent } from "./history.js";
import { keepCurrent } from "./keepCurrent.js";
import { CHANGED } from "./polled.js";
import { showProblem } from "./showProblem.js";

/** @typedef {import("./shapes.js").Version} Version */

const COLUMNS = ["Version", "Parent", "Created", "Accuracy", "Classes", "Verdict", "Why", "In service"];

/**
 * Every version there has been; which one is in service is changed here.
 * @param {import("./feed.js").Feed<Partial<import("./shapes.js").Shelf>>} feed
 */
export function versionsPanel(feed) {
  const section = byId("versions", HTMLElement);
  const table = byId("versions-table", HTMLTableElement);
  const rollBack = byId("versions-rollback", HTMLButtonElement);
  const status = byId("versions-status", HTMLElement);
  const alert = byId("versions-problem", HTMLElement);
  let shownModels = "";
  let shownEvents = "";

  keepCurrent({
    section,
    feed,
    show({ pointer, versions, events }) {
      // Only what changed is drawn anew, so that a button keeps the keyboard's focus.
      const models = JSON.stringify([pointer, versions]);
      if (pointer !== undefined && versions && models !== shownModels) {
        shownModels = models;
        showModels({ pointer, versions });
      }
      if (events && JSON.stringify(events) !== shownEvents) {
        shownEvents = JSON.stringify(events);
        byId("versions-history", HTMLOListElement).replaceChildren(...events.map(line));
        byId("versions-no-history", HTMLElement).hidden = events.length > 0;
      }
    },
  });

  rollBack.addEventListener("click", () => act("/api/model/rollback"));

  /**
   * @param {string} path
   * @param {object} [fields]
   */
  async function act(path, fields) {
    if (section.hasAttribute("aria-busy")) return;
    section.setAttribute("aria-busy", "true");
    alert.replaceChildren();
    setText(status, "Checking the version before it goes into service…");
    try {
      /** @type {import("./shapes.js").Pointer} */
      const pointer = await change(path, fields);
      setText(status, `${pointer.version} is in service now.`);
      status.focus();  // the pressed button is about to go
      document.dispatchEvent(new Event(CHANGED));
    } catch (error) {
      setText(status, "");
      showProblem(alert, error);
    } finally {
      section.removeAttribute("aria-busy");
    }
  }

  /** @param {import("./shapes.js").Models} models */
  function showModels({ pointer, versions }) {
    rollBack.disabled = !pointer?.previous;
    setText(
      rollBack, pointer?.previous ? `Roll back to ${pointer.previous}` : "Nothing to roll back to",
    );
    byId("versions-none", HTMLElement).hidden = versions.length > 0;
    table.hidden = versions.length === 0;
    const heads = COLUMNS.map((name) => element("th", { scope: "col", role: "columnheader" }, name));
    table.tHead?.replaceChildren(element("tr", { role: "row" }, ...heads));
    const rows = versions.map((version) => row(version, version.name === pointer?.version));
    table.tBodies[0]?.replaceChildren(...rows);
  }

  /**
   * @param {Version} version
   * @param {boolean} inService
   */
  function row(version, inService) {
    const cells = [
      version.name,
      version.parent ?? "–",
      dateTime(version.created_at),
      percent(version.accuracy),
      String(version.classes),
      element("span", { class: "tag", "data-status": version.verdict }, version.verdict),
      version.sentence,
      inService ? element("strong", {}, "In service") : promoteButton(version.name),
    ].map((content, i) => element("td", { role: "cell", "data-column": COLUMNS[i] }, content));
    // The roles stay when a narrow window lays the table out as cards.
    return element("tr", { role: "row", "data-version": version.name }, ...cells);
  }

  /** @param {string} name */
  function promoteButton(name) {
    const button = element("button", { type: "button", "aria-label": `Promote ${name}` }, "Promote");
    button.addEventListener("click", () => act("/api/model/promote", { version: name }));
    return button;
  }
}

/** @param {import("./shapes.js").AuditEvent} event */
function line(event) {
  const datetime = new Date(event.at * 1000).toISOString();
  const time = element("time", { datetime }, dateTime(event.at));
  return element("li", {}, time, element("span", {}, describeEvent(event)));
}
