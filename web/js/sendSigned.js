import { patiently } from "./patience.js";
import { Problem } from "./problem.js";

/** @typedef {typeof import("./api.js").putBytes} Put */

/** A part of a resumable upload: a multiple of 256 KiB, as Cloud Storage asks. */
export const PART_BYTES = 8 * 1024 * 1024;

/**
 * Send a file where it was signed for, and again where the connection breaks: a resumable one goes
 * on where it was. A name that is taken (412) counts as sent. Raises: Problem.
 * @param {Blob} file
 * @param {import("./shapes.js").Upload} upload
 * @param {(sent: number) => void} onSent gets the bytes sent so far
 * @param {{put: Put, sleep: (ms: number) => Promise<void>}} means
 */
export async function sendSigned(file, upload, onSent, { put, sleep }) {
  if (upload.resumable) {
    await sendParts(file, upload.url, onSent, { put, sleep });
  } else {
    const once = async () => check(await put(upload.url, file, upload.headers, onSent));
    await patiently(once, sleep);
  }
  onSent(file.size);
}

/**
 * @param {Blob} file
 * @param {string} url
 * @param {(sent: number) => void} onSent
 * @param {{put: Put, sleep: (ms: number) => Promise<void>}} means
 */
async function sendParts(file, url, onSent, { put, sleep }) {
  let kept = 0;
  let isKnown = true;
  let isDone = false;
  const next = async () => {
    const end = isKnown ? Math.min(kept + PART_BYTES, file.size) : kept;
    const range = isKnown ? `${kept}-${end - 1}` : "*";
    const headers = { "Content-Range": `bytes ${range}/${file.size}` };
    isKnown = false;  // until an answer says how much has been kept
    const answer = await put(url, file.slice(kept, end), headers, (sent) => onSent(kept + sent));
    if (answer.status !== 308) {
      check(answer);
      isDone = true;
      return;
    }
    const before = kept;
    kept = keptBytes(answer.range);
    isKnown = true;
    if (end > before && kept <= before) throw new Problem("Nothing of what was sent was kept.", "Send it again.");
  };
  while (!isDone) await patiently(next, sleep);
}

/**
 * "bytes=0-99" is 100; no range is 0.
 * @param {string | null} range
 */
export function keptBytes(range) {
  const last = /^bytes=0-(\d+)$/.exec(range ?? "");
  return last ? Number(last[1]) + 1 : 0;
}

/** @param {{status: number}} answer */
function check({ status }) {
  if (status === 412 || (status >= 200 && status < 300)) return;
  throw new Problem(`The store refused the file with ${status}.`, "Upload it again.", status);
}
