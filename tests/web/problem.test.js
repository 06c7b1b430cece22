import assert from "node:assert/strict";
import test from "node:test";

import { asProblem, Problem, readProblem } from "../../web/js/problem.js";

test("problem+json gives detail, remedy and status", () => {
  const problem = readProblem(
    400, "application/problem+json", '{"detail": "The image is empty.", "remedy": "Send one."}',
  );
  assert.deepEqual(
    [problem.message, problem.remedy, problem.status], ["The image is empty.", "Send one.", 400],
  );
});
test("an answer from between page and server names its status", () =>
  assert.match(readProblem(502, "text/html", "<h1>Bad gateway</h1>").message, /502/));
test("problem+json that is cut short names its status", () =>
  assert.match(readProblem(500, "application/problem+json", '{"det').message, /500/));
test("a time-out is told as such", () =>
  assert.equal(asProblem(new DOMException("", "TimeoutError")).message, "The server did not answer in time."));
test("a fault of the page is told, not swallowed", () =>
  assert.match(asProblem(new TypeError("x is undefined")).message, /x is undefined/));
test("a problem stays as it is", () => {
  const problem = new Problem("detail", "remedy");
  assert.equal(asProblem(problem), problem);
});
