import assert from "node:assert/strict";
import test from "node:test";

import { operations } from "../../web/js/operations.js";

const OPENAPI = {
  paths: {
    "/api/runs": {
      parameters: [{ $ref: "#/components/parameters/limit" }],
      get: { summary: "Runs", responses: { 200: { description: "ok", content: { "application/json": { schema: { type: "object" } } } } } },
    },
    "/api/retrain": {
      post: {
        summary: "Retrain",
        requestBody: { content: { "application/json": { schema: { $ref: "#/components/schemas/Mode" } } } },
        responses: { 409: { $ref: "#/components/responses/Problem" } },
      },
    },
  },
  components: {
    parameters: { limit: { name: "limit", in: "query", schema: { type: "integer" } } },
    responses: { Problem: { description: "a problem" } },
  },
};

test("operations come in the document's order", () =>
  assert.deepEqual(operations(OPENAPI).map((o) => `${o.method} ${o.path}`), ["GET /api/runs", "POST /api/retrain"]));
test("a path's parameters belong to its operations", () =>
  assert.deepEqual(operations(OPENAPI)[0].parameters, [
    { name: "limit", where: "query", required: false, schema: { type: "integer" }, description: "" },
  ]));
test("a schema stays a reference", () =>
  assert.deepEqual(operations(OPENAPI)[1].request, [
    { types: ["application/json"], schema: { $ref: "#/components/schemas/Mode" } },
  ]));
test("media types of one schema stand together", () => {
  const image = { schema: { type: "string" } };
  const content = { "image/png": image, "application/json": {}, "image/gif": image };
  const [post] = operations({ paths: { "/x": { post: { requestBody: { content } } } } });
  assert.deepEqual(post.request.map(({ types }) => types), [["image/png", "image/gif"], ["application/json"]]);
});
test("a referenced response is followed", () =>
  assert.deepEqual(operations(OPENAPI)[1].responses, [{ status: "409", description: "a problem", content: [] }]));
test("a reference into nothing is an error that names it", () =>
  assert.throws(
    () => operations({ paths: { "/x": { get: { responses: { 200: { $ref: "#/components/none" } } } } } }),
    /#\/components\/none/,
  ));
