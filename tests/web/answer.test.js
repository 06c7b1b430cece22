import assert from "node:assert/strict";
import test from "node:test";

import { describeAnswer } from "../../web/js/answer.js";

const SURE = {
  request_id: "1", version: "v1", label: "ship", probability: 0.9, unsure: false, none_of_these: false,
  probabilities: [], timing: { decode_ms: 1, inference_ms: 1, total_ms: 2, cold: false },
};

test("a sure answer is its label", () =>
  assert.deepEqual(describeAnswer(SURE), { title: "ship", doubt: "" }));
test("an unsure answer keeps its label and says so", () => {
  const { title, doubt } = describeAnswer({ ...SURE, unsure: true });
  assert.equal(title, "ship");
  assert.match(doubt, /^Unsure/);
});
test("none of these goes before unsure and names no label", () => {
  const { title, doubt } = describeAnswer({ ...SURE, unsure: true, none_of_these: true });
  assert.equal(title, "None of these");
  assert.doesNotMatch(doubt, /Unsure|ship/);
});
