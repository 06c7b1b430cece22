import { count } from "./format.js";

/** @typedef {import("./shapes.js").Receipt} Receipt */

/** One request carries at most this much: Cloud Run takes 32 MB. */
const PART_BYTES = 24_000_000;
const PART_FILES = 1000;

/** @param {{name: string, type: string}} file */
export function isZip(file) {
  return file.type.includes("zip") || file.name.toLowerCase().endsWith(".zip");
}

/**
 * Split files, in order, into parts that one request each can carry. A file too large for a part
 * is a part of its own, for the server to judge.
 * @template {{size: number}} F
 * @param {F[]} files
 * @returns {F[][]}
 */
export function inParts(files) {
  /** @type {F[][]} */
  const parts = [];
  let room = 0;
  for (const file of files) {
    const part = parts.at(-1);
    if (!part || file.size > room || part.length >= PART_FILES) {
      parts.push([file]);
      room = PART_BYTES - file.size;
    } else {
      part.push(file);
      room -= file.size;
    }
  }
  return parts;
}

/**
 * Whether one request carries all of these files; more go better by signed URLs.
 * @param {{size: number}[]} files
 */
export function fitsOneRequest(files) {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  return size <= PART_BYTES && files.length <= PART_FILES;
}

/**
 * The receipt of two uploads, `later` after `earlier`.
 * @param {Receipt} earlier
 * @param {Receipt} later
 * @returns {Receipt}
 */
export function addReceipts(earlier, later) {
  return {
    ...later,
    outcomes: addCounts(earlier.outcomes, later.outcomes),
    labels: addCounts(earlier.labels, later.labels),
    rejected: [...earlier.rejected, ...later.rejected],
    run: earlier.run ?? later.run,
  };
}

/**
 * "12 new (6 cat, 6 dog), 3 duplicates, 1 rejected."
 * @param {Receipt} receipt
 */
export function describeReceipt({ outcomes, labels, rejected }) {
  const byLabel = Object.entries(labels).map(([label, n]) => `${n} ${label}`).join(", ");
  return [
    `${outcomes.new ?? 0} new${byLabel && ` (${byLabel})`}`,
    count(outcomes.duplicate ?? 0, "duplicate"),
    `${rejected.length} rejected`,
  ].join(", ") + ".";
}

/**
 * @param {Record<string, number>} a
 * @param {Record<string, number>} b
 */
function addCounts(a, b) {
  const sum = { ...a };
  for (const [key, n] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + n;
  return sum;
}
