import assert from "node:assert/strict";
import test from "node:test";

import { addReceipts, describeReceipt, inParts, isZip } from "../../web/js/receipts.js";

const FIRST = {
  outcomes: { new: 2, duplicate: 1 }, labels: { cat: 2 }, rejected: [{ name: "a.txt", reason: "No image." }],
  new_samples: 2, threshold: 50, run: null,
};
const SECOND = {
  outcomes: { new: 3, conflicting: 1 }, labels: { cat: 1, dog: 2 }, rejected: [{ name: "b.png", reason: "Taken." }],
  new_samples: 5, threshold: 50, run: "r2",
};

test("a receipt counts new, duplicates and rejected", () =>
  assert.equal(describeReceipt(FIRST), "2 new (2 cat), 1 duplicate, 1 rejected."));
test("a conflicting image is counted once, as rejected", () =>
  assert.equal(describeReceipt(SECOND), "3 new (1 cat, 2 dog), 0 duplicates, 1 rejected."));
test("receipts of two parts add up, the later one's state stands", () =>
  assert.deepEqual(addReceipts(FIRST, SECOND), {
    outcomes: { new: 5, duplicate: 1, conflicting: 1 },
    labels: { cat: 3, dog: 2 },
    rejected: [...FIRST.rejected, ...SECOND.rejected],
    new_samples: 5, threshold: 50, run: "r2",
  }));

const file = (/** @type {number} */ size) => ({ size });
test("no files make no parts", () => assert.deepEqual(inParts([]), []));
test("small files share a part", () => assert.equal(inParts([file(1e6), file(2e6)]).length, 1));
test("a part stays under what a request may carry", () =>
  assert.deepEqual(
    inParts([file(20e6), file(3e6), file(2e6)]).map((part) => part.length), [2, 1],
  ));
test("a file too large for a part is a part of its own", () =>
  assert.deepEqual(inParts([file(1), file(90e6), file(1)]).map((part) => part.length), [1, 1, 1]));
test("a part has at most a thousand files", () =>
  assert.deepEqual(inParts(Array(1001).fill(file(1))).map((part) => part.length), [1000, 1]));

test("a zip is known by its name", () => assert.ok(isZip({ name: "Birds.ZIP", type: "" })));
test("a zip is known by its type", () => assert.ok(isZip({ name: "birds", type: "application/x-zip-compressed" })));
test("a picture is no zip", () => assert.ok(!isZip({ name: "zip.png", type: "image/png" })));
