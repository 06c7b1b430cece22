import assert from "node:assert/strict";
import test from "node:test";

import { describeEvent } from "../../web/js/history.js";

const event = (actor, action, detail) => ({ at: 0, actor, action, detail });

for (const [name, given, expected] of [
  [
    "a promotion by hand",
    event("admin", "promoted", { version: "v1", previous: "v2", reason: "by hand" }),
    "admin put v1 in service in place of v2: by hand",
  ],
  [
    "a promotion by a run",
    event("host-17", "promoted", { version: "v2", previous: null, reason: "better", run: "r2" }),
    "Run r2 put v2 in service.",
  ],
  [
    "a publication",
    event("host-17", "published", { version: "v2", run: "r2", sentence: "Promoted: +2 points." }),
    "Run r2 made v2: Promoted: +2 points.",
  ],
  [
    "a run without a version",
    event("ocellus", "run_ended", { run: "r3", status: "cancelled", reason: "Cancelled by admin." }),
    "Run r3 cancelled: Cancelled by admin.",
  ],
  [
    "an upload",
    event("admin", "uploaded", { new: 3, labels: { cat: 1, dog: 2 } }),
    "admin uploaded 3 new images: 1 cat, 2 dog.",
  ],
  [
    "an upload of nothing new",
    event("admin", "uploaded", { new: 0, labels: {} }),
    "admin uploaded 0 new images.",
  ],
  [
    "a rejected drop",
    event("inbox", "rejected", { object: "a.zip", file: "x/y.txt", reason: "No image." }),
    "inbox rejected x/y.txt: No image.",
  ],
  ["an action not known here", event("admin", "renamed", { to: "x" }), 'admin renamed {"to":"x"}'],
]) {
  test(`${name} is told as a sentence`, () => assert.equal(describeEvent(given), expected));
}
