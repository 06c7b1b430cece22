/**
 * @typedef {{types: string[], schema: unknown}} Content a JSON schema and its media types
 *
 * @typedef {object} Parameter
 * @property {string} name
 * @property {string} where
 * @property {boolean} required
 * @property {unknown} schema
 * @property {string} description
 *
 * @typedef {object} Operation
 * @property {string} method
 * @property {string} path
 * @property {string} summary
 * @property {string} description
 * @property {Parameter[]} parameters
 * @property {Content[]} request
 * @property {{status: string, description: string, content: Content[]}[]} responses
 */

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/**
 * The operations of an OpenAPI 3.1 document, in its order. Parameters and responses may be
 * references into `components`; schemas are left as they are.
 * @param {any} openapi
 * @returns {Operation[]}
 */
export function operations(openapi) {
  const target = (/** @type {any} */ value) => resolve(openapi, value);
  return Object.entries(openapi.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => {
      const operation = item[method];
      return {
        method: method.toUpperCase(),
        path,
        summary: operation.summary ?? "",
        description: operation.description ?? "",
        parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])]
          .map(target)
          .map(parameter),
        request: contents(target(operation.requestBody)),
        responses: Object.entries(operation.responses ?? {}).map(([status, value]) => {
          const response = target(value);
          return { status, description: response.description ?? "", content: contents(response) };
        }),
      };
    }));
}

/**
 * @param {any} given
 * @returns {Parameter}
 */
function parameter({ name, in: where, required = false, schema = {}, description = "" }) {
  return { name, where, required, schema, description };
}

/**
 * Media types of one schema stand together.
 * @param {any} body
 * @returns {Content[]}
 */
function contents(body) {
  /** @type {Map<string, Content>} */
  const bySchema = new Map();
  for (const [type, { schema = {} }] of Object.entries(body?.content ?? {})) {
    const key = JSON.stringify(schema);
    /** @type {Content} */
    const content = bySchema.get(key) ?? { types: [], schema };
    content.types.push(type);
    bySchema.set(key, content);
  }
  return [...bySchema.values()];
}

/**
 * @param {any} openapi
 * @param {any} value
 */
function resolve(openapi, value) {
  const reference = value?.$ref;
  if (typeof reference !== "string") return value;
  const found = reference.slice(2).split("/").reduce((part, key) => part?.[key], openapi);
  if (found === undefined) throw new Error(`openapi.json refers to ${reference}, which is not in it`);
  return found;
}
