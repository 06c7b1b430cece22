import { isZip } from "./receipts.js";
import { patiently } from "./patience.js";
import { Problem } from "./problem.js";
import { sendSigned } from "./sendSigned.js";
import { UploadLedger, ZIP } from "./uploadLedger.js";

/**
 * @typedef {import("./uploadLedger.js").Offered} Offered
 * @typedef {import("./shapes.js").Receipt} Receipt
 *
 * @typedef {object} Means what the upload reaches the world by
 * @property {(path: string) => Promise<any>} get
 * @property {(path: string, fields: object) => Promise<any>} change
 * @property {typeof import("./api.js").putBytes} put
 * @property {(ms: number) => Promise<void>} sleep
 *
 * @typedef {object} Progress
 * @property {number} files that are sent, or found to need no sending
 * @property {number} bytes of them and of those under way
 */

const ASKED_AT_ONCE = 100;
const SENDERS = 6;
const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 4000;
/** Without one file being filed; a function that has to start first takes some 10 s. */
const PATIENCE_PAUSES = 40;

/**
 * Upload files by signed URLs, straight to the inbox, and wait until they are filed. What is there
 * already is not sent again, so an upload that broke off is simply repeated. Raises: Problem.
 * @param {File[]} files images, which all get the label, and zips
 * @param {string} label
 * @param {(progress: Progress) => void} onProgress
 * @param {Means} means
 * @returns {Promise<Receipt>}
 */
export async function uploadSigned(files, label, onProgress, means) {
  const { get, change, sleep } = means;
  const status = await get("/api/retrain/status");
  const ledger = new UploadLedger(status.now);
  /** @type {Map<File, number>} */
  const sentBytes = new Map();
  /** @type {Set<File>} */
  const done = new Set();
  const progress = { files: 0, bytes: 0 };
  /** @type {Set<string>} */
  const seen = new Set();

  for (const some of inBatches(files)) {
    const offered = [];
    for (const file of some) {
      const next = await offer(file, label);  // one at a time: each is held in memory
      if (seen.has(next.offer.sha256)) {
        ledger.outcomes.duplicate += 1;
        tell(file, file.size, true);
      } else {
        seen.add(next.offer.sha256);
        offered.push(next);
      }
    }
    if (offered.length > 0) await handle(offered);
  }
  await settle();
  const after = await patiently(() => get("/api/retrain/status"), sleep);
  const isNewRun = after.run && after.run.id !== status.run?.id;
  return {
    outcomes: ledger.outcomes, labels: ledger.labels, rejected: ledger.rejected,
    new_samples: after.new_samples, threshold: after.threshold, run: isNewRun ? after.run.id : null,
  };

  /**
   * Ask about some files, and send those that are to be sent, several at once.
   * @param {Offered[]} offered
   */
  async function handle(offered) {
    const body = { files: offered.map((o) => o.offer) };
    /** @type {import("./shapes.js").SigningAnswer[]} */
    const answers = (await patiently(() => change("/api/upload/sign", body), sleep)).files;
    const isKnown = answers.map(({ object }) => ledger.pending.has(object ?? ""));
    if (answers.some(({ status }, i) => isKnown[i] && status === "upload")) {
      await readHistory();  // gone from the inbox and not on file
    }
    const queue = offered.flatMap((o, i) => {
      const isSettled = isKnown[i] && !ledger.pending.has(answers[i].object ?? "");
      return isSettled ? [] : { file: o.file, upload: ledger.follow(o, answers[i]) };
    });
    const send = async () => {
      for (let next = queue.shift(); next; next = queue.shift()) {
        const { file, upload } = next;
        if (upload) await sendSigned(file, upload, (sent) => tell(file, sent, false), means);
        tell(file, file.size, true);
      }
    };
    await Promise.all(Array.from({ length: SENDERS }, send));
  }

  /**
   * @param {File} file
   * @param {number} sent bytes of it
   * @param {boolean} isSent
   */
  function tell(file, sent, isSent) {
    progress.bytes += sent - (sentBytes.get(file) ?? 0);
    if (isSent) done.add(file);
    progress.files = done.size;
    sentBytes.set(file, sent);
    onProgress(progress);
  }

  /** Enter what the history tells of what is pending. */
  async function readHistory() {
    const limit = Math.min(Math.max(2 * ledger.pending.size, 50), 500);
    ledger.read((await patiently(() => get(`/api/history?limit=${limit}`), sleep)).events);
  }

  /** Ask until nothing is pending; about zips only the history tells. */
  async function settle() {
    let waited_ms = FIRST_PAUSE_MS;
    for (let idle = 0; ledger.pending.size > 0; idle++) {
      if (idle === PATIENCE_PAUSES) {
        const count = ledger.pending.size;
        throw new Problem(
          `${count} of ${files.length} files have arrived and are not filed yet.`,
          "They are not lost. Upload them again to see whether they have been filed.",
        );
      }
      const before = ledger.pending.size;
      const images = [...ledger.pending.values()].filter((o) => o.offer.content_type !== ZIP);
      for (const some of inBatches(images.slice(0, 5 * ASKED_AT_ONCE))) await handle(some);
      if (ledger.hasZips()) await readHistory();
      if (ledger.pending.size < before) {
        idle = 0;
        waited_ms = FIRST_PAUSE_MS;
      }
      if (ledger.pending.size > 0) await sleep(waited_ms);
      waited_ms = Math.min(2 * waited_ms, LAST_PAUSE_MS);
    }
  }
}

/**
 * @param {File} file
 * @param {string} label
 * @returns {Promise<Offered>}
 */
async function offer(file, label) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const sha256 = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const about = { sha256, size_bytes: file.size };
  if (isZip(file)) return { file, offer: { ...about, content_type: ZIP } };
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  return { file, offer: { ...about, label, content_type: type } };
}

/**
 * @template T
 * @param {T[]} items
 * @returns {Generator<T[]>}
 */
function* inBatches(items) {
  for (let i = 0; i < items.length; i += ASKED_AT_ONCE) yield items.slice(i, i + ASKED_AT_ONCE);
}
