import assert from "node:assert/strict";
import test from "node:test";

import { UploadLedger, ZIP } from "../../web/js/uploadLedger.js";

const UPLOAD = { url: "/x", headers: {}, resumable: false };
const image = { file: { name: "1.png" }, offer: { label: "cat", sha256: "a", size_bytes: 9, content_type: "image/png" } };
const zip = { file: { name: "set.zip" }, offer: { sha256: "b", size_bytes: 9, content_type: ZIP } };
const answer = (status, object = "signed/cat/a") =>
  ({ status, object, upload: status === "upload" ? UPLOAD : null, reason: "Why not." });
const rejected = (object, file, at = 11) =>
  ({ at, actor: "inbox", action: "rejected", detail: { object, file, reason: "It is bad." } });
const uploaded = (at = 12) => ({
  at, actor: "inbox", action: "uploaded",
  detail: { object: "signed/@zips/b", new: 3, labels: { cat: 2, dog: 1 }, duplicate: 1, rejected: 1 },
});

test("an image that was sent and is on file is new", () => {
  const ledger = new UploadLedger(10);
  assert.equal(ledger.follow(image, answer("upload")), UPLOAD);
  assert.equal(ledger.follow(image, answer("waiting")), null);
  assert.equal(ledger.pending.size, 1);
  ledger.follow(image, answer("on_file"));
  assert.deepEqual([ledger.outcomes.new, ledger.labels, ledger.pending.size], [1, { cat: 1 }, 0]);
});
test("an image that was on file already is a duplicate", () => {
  const ledger = new UploadLedger(10);
  ledger.follow(image, answer("on_file"));
  assert.deepEqual([ledger.outcomes.new, ledger.outcomes.duplicate], [0, 1]);
});
test("what cannot be used bears its own name", () => {
  const ledger = new UploadLedger(10);
  ledger.follow(image, answer("rejected", null));
  ledger.follow(image, answer("conflicting"));
  assert.deepEqual(ledger.rejected, Array(2).fill({ name: "1.png", reason: "Why not." }));
  assert.equal(ledger.outcomes.conflicting, 1);
});
test("what was sent three times and never arrived is told", () => {
  const ledger = new UploadLedger(10);
  for (let i = 0; i < 3; i++) assert.equal(ledger.follow(image, answer("upload")), UPLOAD);
  assert.equal(ledger.follow(image, answer("upload")), null);
  assert.match(ledger.rejected[0].reason, /3 times/);
});

test("the history tells why an image was rejected", () => {
  const ledger = new UploadLedger(10);
  ledger.follow(image, answer("upload"));
  ledger.read([rejected("signed/cat/a", "signed/cat/a", 9), rejected("other", "other")]);
  assert.equal(ledger.pending.size, 1);
  ledger.read([rejected("signed/cat/a", "signed/cat/a")]);
  assert.deepEqual(ledger.rejected, [{ name: "1.png", reason: "It is bad." }]);
});
test("the history tells what became of a zip, once all of it is told", () => {
  const ledger = new UploadLedger(10);
  ledger.follow(zip, answer("upload", "signed/@zips/b"));
  ledger.read([rejected("signed/@zips/b", "cat/9.png")]);
  assert.equal(ledger.pending.size, 1);
  ledger.read([uploaded(), rejected("signed/@zips/b", "cat/9.png")]);
  assert.deepEqual(ledger.outcomes, { new: 3, duplicate: 1, conflicting: 0 });
  assert.deepEqual(ledger.labels, { cat: 2, dog: 1 });
  assert.deepEqual(ledger.rejected, [{ name: "cat/9.png", reason: "It is bad." }]);
  assert.equal(ledger.pending.size, 0);
});
test("a zip that cannot be read is rejected by its own name", () => {
  const ledger = new UploadLedger(10);
  ledger.follow(zip, answer("upload", "signed/@zips/b"));
  ledger.read([rejected("signed/@zips/b", "signed/@zips/b")]);
  assert.deepEqual(ledger.rejected, [{ name: "set.zip", reason: "It is bad." }]);
});
