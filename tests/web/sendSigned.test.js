import assert from "node:assert/strict";
import test from "node:test";

import { Problem } from "../../web/js/problem.js";
import { keptBytes, PART_BYTES, sendSigned } from "../../web/js/sendSigned.js";

const SIZE = 2 * PART_BYTES + 5;
const FILE = new Blob([new Uint8Array(SIZE)]);
const RESUMABLE = { url: "/session", headers: {}, resumable: true };
const WHOLE = { url: "/whole", headers: { "Content-Type": "image/png" }, resumable: false };
const BROKEN = new Problem("The server cannot be reached.", "");

/** A store that keeps what it is sent; `faults` come first, after `keeps` bytes of what was sent. */
function store(faults = [], keeps = Infinity) {
  const seen = [];
  const slept = [];
  let kept = 0;
  const answer = () => (kept === SIZE
    ? { status: 200, range: null }
    : { status: 308, range: kept ? `bytes=0-${kept - 1}` : null });
  const put = async (url, body, headers) => {
    const range = headers["Content-Range"];
    seen.push(range ?? "whole");
    const first = /^bytes (\d+)-/.exec(range ?? "");
    if (first) assert.equal(Number(first[1]), kept);
    if (faults.length > 0) {
      if (first) kept += Math.min(body.size, keeps);
      const fault = faults.shift();
      if (fault instanceof Problem) throw fault;
      return { status: fault, range: null };
    }
    if (!range) return { status: 200, range: null };
    if (first) kept += body.size;
    return answer();
  };
  return { seen, slept, means: { put, sleep: async (ms) => { slept.push(ms); } } };
}

const send = (upload, { means }, onSent = () => {}) => sendSigned(FILE, upload, onSent, means);

test("a resumable file goes in parts", async () => {
  const to = store();
  await send(RESUMABLE, to);
  assert.deepEqual(to.seen, [
    `bytes 0-${PART_BYTES - 1}/${SIZE}`,
    `bytes ${PART_BYTES}-${2 * PART_BYTES - 1}/${SIZE}`,
    `bytes ${2 * PART_BYTES}-${SIZE - 1}/${SIZE}`,
  ]);
});
test("after a break it asks what was kept, and goes on there", async () => {
  const to = store([BROKEN, BROKEN], 1000);
  await send(RESUMABLE, to);
  assert.deepEqual(to.seen.slice(0, 4), [
    `bytes 0-${PART_BYTES - 1}/${SIZE}`, `bytes */${SIZE}`, `bytes */${SIZE}`,
    `bytes 1000-${1000 + PART_BYTES - 1}/${SIZE}`,
  ]);
  assert.deepEqual(to.slept, [500, 1000]);
});
test("an end whose answer was lost is not sent again", async () => {
  const to = store();
  const { put } = to.means;
  let isLost = false;
  to.means.put = async (...given) => {
    const answer = await put(...given);
    if (answer.status === 200 && !isLost) {
      isLost = true;
      throw BROKEN;
    }
    return answer;
  };
  await send(RESUMABLE, to);
  assert.equal(to.seen.length, 4);
  assert.equal(to.seen.at(-1), `bytes */${SIZE}`);
});
test("a store that keeps nothing is not asked for ever", () =>
  assert.rejects(
    sendSigned(FILE, RESUMABLE, () => {}, { put: async () => ({ status: 308, range: null }), sleep: async () => {} }),
    /Nothing of what was sent was kept/,
  ));
test("a session that has ended is a problem at once", async () => {
  const to = store([404]);
  await assert.rejects(send(RESUMABLE, to), /refused the file with 404/);
  assert.deepEqual(to.slept, []);
});

test("a small file goes at once", async () => {
  const to = store();
  const sent = [];
  await send(WHOLE, to, (bytes) => sent.push(bytes));
  assert.deepEqual([to.seen, sent], [["whole"], [SIZE]]);
});
test("a small file is sent again after a break and after 503", async () => {
  const to = store([BROKEN, 503]);
  await send(WHOLE, to);
  assert.equal(to.seen.length, 3);
});
test("a connection that stays broken is told", async () => {
  const to = store(Array(7).fill(BROKEN));
  await assert.rejects(send(WHOLE, to), /cannot be reached/);
  assert.deepEqual(to.slept, [500, 1000, 2000, 4000, 8000, 16000]);
});
test("a name that is taken counts as sent", () => send(WHOLE, store([412])));
test("leave that has expired is a problem at once", () =>
  assert.rejects(send(WHOLE, store([400])), /400/));

test("a range tells how many bytes were kept", () => assert.equal(keptBytes("bytes=0-99"), 100));
test("no range: none were kept", () => assert.equal(keptBytes(null), 0));
