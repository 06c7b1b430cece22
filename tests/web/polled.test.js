import assert from "node:assert/strict";
import test, { afterEach, beforeEach, mock } from "node:test";

import { CHANGED, polled } from "../../web/js/polled.js";
import { Problem } from "../../web/js/problem.js";

let views, stop;

beforeEach(() => {
  mock.timers.enable({ apis: ["setTimeout", "Date"] });
  globalThis.window = globalThis;
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  views = [];
});

afterEach(() => {
  stop();
  mock.timers.reset();
});

/** Start a feed of the loads in turn; the last is repeated. */
async function start(loads, every_ms) {
  let n = 0;
  const feed = polled(async () => loads[Math.min(n++, loads.length - 1)](), every_ms);
  stop = feed((view) => views.push(view));
  await settled();
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function pass(ms) {
  mock.timers.tick(ms);
  await settled();
}

async function show(visible) {
  document.hidden = !visible;
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
}

const one = () => 1;
const fail = () => { throw new Problem("It is broken.", "Mend it."); };

test("what was loaded is loaded again when its time has passed", async () => {
  await start([one], 2000);
  await pass(1999);
  assert.equal(views.length, 1);
  await pass(1);
  assert.equal(views.length, 2);
});

test("how long it will do may depend on what was loaded", async () => {
  await start([one], (data) => data * 500);
  await pass(500);
  assert.equal(views.length, 2);
});

test("it is loaded at once when something changed", async () => {
  await start([one], 60_000);
  document.dispatchEvent(new Event(CHANGED));
  await settled();
  assert.equal(views.length, 2);
});

test("a failure keeps the data, says since when, and is tried again soon", async () => {
  await start([one, fail, () => 2], 60_000);
  const at = views[0].at;
  await pass(60_000);
  assert.deepEqual(views[1], {
    data: 1, at, problem: "It is broken. Mend it. Trying again by itself.", notice: "", loading: false,
  });
  await pass(10_000);
  assert.equal(views[2].data, 2);
  assert.equal(views[2].problem, "");
});

test("nothing is loaded while nobody looks, and at once afterwards if it is due", async () => {
  await start([one], 2000);
  await show(false);
  await pass(10_000);
  assert.equal(views.length, 1);
  await show(true);
  assert.equal(views.length, 2);
});

test("what is fresh enough is not loaded because somebody looks again", async () => {
  await start([one], 60_000);
  await show(false);
  await show(true);
  assert.equal(views.length, 1);
});

test("a stopped feed loads nothing and tells nothing", async () => {
  await start([one], 2000);
  document.dispatchEvent(new Event(CHANGED));
  stop();
  document.dispatchEvent(new Event(CHANGED));
  await pass(60_000);
  assert.equal(views.length, 1);
});
