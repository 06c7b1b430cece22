import assert from "node:assert/strict";
import test from "node:test";

import { batchCsv } from "../../web/js/batchCsv.js";
import { isBatch } from "../../web/js/batchPanel.js";
import { readLines } from "../../web/js/ndjson.js";

const RESULTS = [
  {
    number: 1, total: 2, name: 'a, "b".png', label: "cat", probability: 0.9, unsure: false, none_of_these: false,
    probabilities: [{ label: "dog", probability: 0.1 }, { label: "cat", probability: 0.9 }],
  },
  { number: 2, total: 2, name: "b.png", error: { detail: "It is empty.", remedy: "Send one." } },
];

/** @param {string[]} chunks */
async function values(...chunks) {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
  const found = [];
  for await (const value of readLines(body)) found.push(value);
  return found;
}

test("lines are read whole however they are cut", async () =>
  assert.deepEqual(await values('{"a": 1}\n{"a"', ': 2}', '\n{"a": "ü"}\n'), [{ a: 1 }, { a: 2 }, { a: "ü" }]));
test("a line that is cut off is left out", async () =>
  assert.deepEqual(await values('{"a": 1}\n{"a": '), [{ a: 1 }]));
test("the CSV has a row an image and a column a label", () =>
  assert.deepEqual(batchCsv(/** @type {any} */ (RESULTS)).split("\r\n"), [
    "number,name,label,probability,unsure,none_of_these,error,cat,dog",
    '1,"a, ""b"".png",cat,0.9,false,false,,0.9,0.1',
    "2,b.png,,,,,It is empty. Send one.,,",
    "",
  ]));
test("several files or a zip are a batch, one image is not", () => {
  const image = { name: "a.png", type: "image/png" };
  assert.equal(isBatch([image]), false);
  assert.equal(isBatch([image, image]), true);
  assert.equal(isBatch([{ name: "a.ZIP", type: "" }]), true);
  assert.equal(isBatch([{ name: "a", type: "application/zip" }]), true);
});
