import assert from "node:assert/strict";
import test from "node:test";

import {
  clockTime, count, dateTime, decimal, duration, megabytes, milliseconds, percent, rate,
} from "../../web/js/format.js";

test("a share is shown with one decimal", () => assert.equal(percent(0.98236), "98.2%"));
test("a share is never rounded to nothing", () => assert.equal(percent(0.0004), "<0.1%"));
test("a share is never rounded to everything", () => assert.equal(percent(0.99996), ">99.9%"));
test("nothing and everything are whole", () => assert.deepEqual([0, 1].map(percent), ["0%", "100%"]));

test("milliseconds keep two digits", () => assert.equal(milliseconds(0.3173), "0.32 ms"));
test("milliseconds in the hundreds stay plain", () => assert.equal(milliseconds(340.2), "340 ms"));
test("a thousand milliseconds become seconds", () => assert.equal(milliseconds(1840), "1.8 s"));

test("a duration shows its two largest units", () => assert.equal(duration(93_784), "1 d 2 h"));
test("a duration leaves out a unit of none", () => assert.equal(duration(3605), "1 h"));
test("a duration rounds to seconds before it is split", () => assert.equal(duration(59.7), "1 min"));
test("no time is zero seconds", () => assert.equal(duration(0), "0 s"));
test("clocks that disagree give no negative duration", () => assert.equal(duration(-3), "0 s"));

test("a date is unambiguous", () => assert.equal(dateTime(1_795_450_501, "UTC"), "23 Nov 2026, 16:15"));
test("a clock time has seconds", () => assert.equal(clockTime(1_795_450_501, "UTC"), "16:15:01"));

test("a slow rate keeps a decimal", () => assert.equal(rate(3.14), "3.1 images/s"));
test("a fast rate is grouped", () => assert.equal(rate(12_345.6), "12,346 images/s"));
test("sizes are in decimal megabytes", () => assert.equal(megabytes(3_250_000), "3.3 MB"));
test("one is singular", () => assert.equal(count(1, "image"), "1 image"));
test("others are plural and grouped", () => assert.equal(count(1200, "image"), "1,200 images"));

for (const format of [percent, milliseconds, duration, dateTime, decimal, rate]) {
  test(`${format.name} shows a dash for what is absent`, () => assert.equal(format(null), "–"));
}
