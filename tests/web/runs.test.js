import assert from "node:assert/strict";
import test from "node:test";

import {
  describeOrigin, describePosition, describeRun, describeThreshold, isActive, shareDone,
} from "../../web/js/runs.js";

const PROGRESS = {
  phase: "train", epoch: 3, epochs: 16, step: 12, steps: 97,
  loss: 1.2, accuracy: 0.6, images_per_s: 320, seconds_left: 30,
};
const RUN = {
  id: "r5", version: "v5", trigger: "person", mode: "quick", status: "running",
  requested_by: "admin", created_at: 100, finished_at: null, attempt: 1, progress: PROGRESS, message: "",
};

for (const [status, active] of Object.entries({
  queued: true, running: true, promoted: false, refused: false, failed: false, cancelled: false,
})) {
  test(`a ${status} run is ${active ? "" : "not "}active`, () => assert.equal(isActive({ ...RUN, status }), active));
}

test("a queued run waits", () =>
  assert.equal(describeRun({ ...RUN, status: "queued" }), "Run r5 (quick) waits for a trainer to start."));
test("a running run tells its phase in words", () => assert.equal(describeRun(RUN), "Run r5 (quick) is training."));
test("a phase not known here is told as it came", () =>
  assert.equal(describeRun({ ...RUN, progress: { ...PROGRESS, phase: "distil" } }), "Run r5 (quick) is distil."));
test("a run that was taken over tells its attempt", () =>
  assert.equal(describeRun({ ...RUN, attempt: 2 }), "Run r5 (quick) is training, attempt 2."));
test("an ended run tells the gate's sentence", () =>
  assert.equal(describeRun({ ...RUN, status: "refused", message: "Refused: recall fell." }), "Refused: recall fell."));

test("the position names epoch and step", () =>
  assert.equal(describePosition(PROGRESS), "Epoch 3 of 16, step 12 of 97"));
test("a phase without epochs names the step", () =>
  assert.equal(describePosition({ ...PROGRESS, epochs: 0 }), "Step 12 of 97"));
test("a phase of unknown length counts", () =>
  assert.equal(describePosition({ ...PROGRESS, epochs: 0, step: 1200, steps: 0 }), "1,200 so far"));
test("a phase without either has no position", () =>
  assert.equal(describePosition({ ...PROGRESS, epochs: 0, step: 0, steps: 0 }), ""));

test("the share done is of the time passed and left", () => assert.equal(shareDone(RUN, 110), 0.25));
test("the share done is not known before the time left is", () =>
  assert.equal(shareDone({ ...RUN, progress: { ...PROGRESS, seconds_left: null } }, 110), null));
test("a run with no time left is done", () =>
  assert.equal(shareDone({ ...RUN, progress: { ...PROGRESS, seconds_left: 0 } }, 100), 1));

test("the origin names who asked", () => assert.equal(describeOrigin(RUN), "quick, asked for by admin"));
test("the origin of an ended run tells how long it took", () =>
  assert.equal(
    describeOrigin({ ...RUN, trigger: "threshold", finished_at: 175 }),
    "quick, started by new samples, took 1 min 15 s",
  ));

test("below the threshold the missing samples are counted", () =>
  assert.equal(describeThreshold(12, 50), "12 of 50 new samples: 38 more until a retrain starts by itself."));
test("at the threshold the retrain is announced", () =>
  assert.match(describeThreshold(50, 50), /^50 new samples, enough for a retrain/));
