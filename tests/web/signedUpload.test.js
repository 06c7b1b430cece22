import assert from "node:assert/strict";
import test from "node:test";

import { uploadSigned } from "../../web/js/signedUpload.js";

/** A deployment that files what it was sent when it is next asked about it. */
function deployment() {
  const arrived = new Set();
  const onFile = new Set();
  const asked = [];
  const events = [];
  const answerTo = ({ label, sha256, content_type }) => {
    const object = label ? `signed/${label}/${sha256}` : `signed/@zips/${sha256}`;
    if (arrived.delete(object)) onFile.add(object);
    const status = onFile.has(object) ? "on_file" : "upload";
    return { status, object, upload: { url: object, headers: { type: content_type }, resumable: false }, reason: "" };
  };
  return {
    arrived, onFile, asked, events,
    means: {
      get: async (path) => (path.startsWith("/api/history")
        ? { events }
        : { run: null, now: 10, new_samples: onFile.size, threshold: 50 }),
      change: async (path, { files }) => {
        assert.equal(path, "/api/upload/sign");
        asked.push(files.length);
        return { files: files.map(answerTo) };
      },
      put: async (url) => {
        arrived.add(url);
        if (url.startsWith("signed/@zips")) {
          events.push({ at: 11, actor: "inbox", action: "uploaded", detail: { object: url, new: 2, labels: { dog: 2 }, duplicate: 0, rejected: 0 } });
        }
        return { status: 200, range: null };
      },
      sleep: async () => {},
    },
  };
}
const file = (content, name = "1.png", type = "image/png") => new File([content], name, { type });
const quiet = () => {};

test("images are asked about a hundred at a time, sent and waited for", async () => {
  const to = deployment();
  const files = Array.from({ length: 250 }, (_, i) => file(`image ${i}`));
  const seen = [];
  const receipt = await uploadSigned(files, "cat", (sent) => seen.push({ ...sent }), to.means);
  assert.deepEqual(receipt.outcomes, { new: 250, duplicate: 0, conflicting: 0 });
  assert.deepEqual([receipt.labels, receipt.new_samples, receipt.run], [{ cat: 250 }, 250, null]);
  assert.deepEqual(to.asked.slice(0, 3), [100, 100, 50]);
  const size = files.reduce((sum, { size }) => sum + size, 0);
  assert.deepEqual(seen.at(-1), { files: 250, bytes: size });
});
test("a second time nothing is sent", async () => {
  const to = deployment();
  await uploadSigned([file("a")], "cat", quiet, to.means);
  to.means.put = async () => assert.fail("it was sent");
  const receipt = await uploadSigned([file("a")], "cat", quiet, to.means);
  assert.deepEqual(receipt.outcomes, { new: 0, duplicate: 1, conflicting: 0 });
});
test("the same image chosen twice is sent once", async () => {
  const to = deployment();
  const receipt = await uploadSigned([file("a"), file("a", "2.png")], "cat", quiet, to.means);
  assert.deepEqual(receipt.outcomes, { new: 1, duplicate: 1, conflicting: 0 });
});
test("what became of a zip is read in the history", async () => {
  const to = deployment();
  const receipt = await uploadSigned([file("z", "set.zip", "application/zip")], "", quiet, to.means);
  assert.deepEqual([receipt.outcomes.new, receipt.labels], [2, { dog: 2 }]);
  assert.deepEqual(to.asked, [1]);
});
test("an image rejected at filing is not sent again", async () => {
  const to = deployment();
  const sent = [];
  to.means.put = async (url) => {
    sent.push(url);
    const detail = { object: url, file: url, reason: "It is bad." };
    to.events.push({ at: 11, actor: "inbox", action: "rejected", detail });
    return { status: 200, range: null };
  };
  const receipt = await uploadSigned([file("a")], "cat", quiet, to.means);
  assert.deepEqual(receipt.rejected, [{ name: "1.png", reason: "It is bad." }]);
  assert.equal(sent.length, 1);
});
test("waiting has an end", async () => {
  const to = deployment();
  to.means.put = async () => ({ status: 200, range: null });
  to.means.change = async (path, { files }) => ({
    files: files.map(({ sha256 }) => ({ status: "waiting", object: sha256, upload: null, reason: "" })),
  });
  await assert.rejects(uploadSigned([file("a")], "cat", quiet, to.means), /1 of 1 files have arrived/);
});
