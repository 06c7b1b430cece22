import assert from "node:assert/strict";
import test from "node:test";

import { describeHealth } from "../../web/js/health.js";

const COUNTED = { waiting: 0, fault: null };
const OK = { status: "ok", serving: "v2", desired: "v2", fault: null, statistics: COUNTED };
const FAULT = { detail: "v3 is damaged.", since: 1_795_450_501 };

test("the desired version in service is healthy", () => assert.equal(describeHealth(OK).word, "Healthy"));
test("a version on its way is switching", () =>
  assert.equal(describeHealth({ ...OK, desired: "v3" }).sentence, "v3 is about to replace v2."));
test("a fault names what keeps answering, since when and why", () =>
  assert.equal(
    describeHealth({ ...OK, status: "degraded", desired: "v3", fault: FAULT }, "UTC").sentence,
    "v2 keeps answering instead of v3. Since 16:15:01: v3 is damaged.",
  ));
test("statistics that wait are counted, since when and why", () =>
  assert.equal(
    describeHealth(
      { ...OK, status: "degraded", statistics: { waiting: 1200, fault: { ...FAULT, detail: "No store." } } }, "UTC",
    ).sentence,
    "v2 keeps answering. Since 16:15:01 its statistics lag, by 1,200 answers: No store.",
  ));
test("a service without a version is down", () =>
  assert.deepEqual(describeHealth({ ...OK, status: "down", serving: null, desired: null }), {
    word: "Down", tone: "bad", sentence: "No version can be served.",
  }));
