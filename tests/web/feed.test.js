import assert from "node:assert/strict";
import test from "node:test";

import { backed, together } from "../../web/js/feed.js";

const AT = 1_795_450_501;

/** A feed that tells what the test tells it. */
function source() {
  const made = {
    running: false,
    feed: (tell) => {
      made.tell = (view) => tell({ at: null, problem: "", notice: "", loading: false, ...view });
      made.running = true;
      return () => { made.running = false; };
    },
  };
  return made;
}

/** @returns {any[]} every view that the feed tells */
function views(feed) {
  const told = [];
  feed((view) => told.push(view));
  return told;
}

test("feeds together are loading until each has told something", () => {
  const [a, b] = [source(), source()];
  const told = views(together({ a: a.feed, b: b.feed }));
  a.tell({ data: 1 });
  b.tell({ data: 2 });
  assert.deepEqual(told.map(({ loading }) => loading), [true, false]);
  assert.deepEqual(told.map(({ data }) => data), [{ a: 1 }, { a: 1, b: 2 }]);
});

test("a problem of one of them stays while another goes on", () => {
  const [a, b] = [source(), source()];
  const told = views(together({ a: a.feed, b: b.feed }));
  a.tell({ data: 1, at: AT, problem: "It is broken." });
  b.tell({ data: 2 });
  assert.equal(told.at(-1).problem, "It is broken.");
  assert.equal(told.at(-1).at, AT);
  a.tell({ data: 3 });
  assert.equal(told.at(-1).problem, "");
});

test("a live feed needs no substitute", () => {
  const [live, substitute] = [source(), source()];
  const told = views(backed(live.feed, substitute.feed));
  live.tell({ data: 1 });
  assert.deepEqual(told.map(({ data }) => data), [1]);
  assert.equal(substitute.running, false);
});

test("a lost live feed is replaced, and says so", () => {
  const [live, substitute] = [source(), source()];
  const told = views(backed(live.feed, substitute.feed));
  live.tell({ data: 1 });
  live.tell({ data: 1, at: AT, problem: "It cannot be reached." });
  substitute.tell({ data: 2 });
  assert.deepEqual(told.map(({ data }) => data), [1, 1, 2]);
  assert.match(told.at(-1).notice, /^Live connection lost since .*: It cannot be reached\. The server is asked instead\.$/);
  assert.equal(told.at(-1).problem, "");
});

test("where the substitute fails too, the last data are stale", () => {
  const [live, substitute] = [source(), source()];
  const told = views(backed(live.feed, substitute.feed));
  live.tell({ data: 1, at: AT, problem: "It cannot be reached." });
  substitute.tell({ data: undefined, problem: "Neither can this." });
  assert.equal(told.at(-1).data, 1);
  assert.equal(told.at(-1).at, AT);
  assert.equal(told.at(-1).problem, "Neither can this.");
});

test("a live feed that is back stops its substitute", () => {
  const [live, substitute] = [source(), source()];
  const told = views(backed(live.feed, substitute.feed));
  live.tell({ data: undefined, problem: "It cannot be reached." });
  live.tell({ data: undefined, problem: "It still cannot." });
  assert.equal(substitute.running, true);
  live.tell({ data: 3 });
  assert.equal(substitute.running, false);
  assert.equal(told.at(-1).data, 3);
  assert.equal(told.at(-1).notice, "");
});
