/** Numbers and times as a person reads them. An absent value is a dash. */

const ABSENT = "–";
const NUMBER = new Intl.NumberFormat("en");

/**
 * 0.9824 is "98.2%". A share is never rounded to nothing or to everything.
 * @param {number | null} share
 */
export function percent(share) {
  if (share === null) return ABSENT;
  if (share > 0 && share < 0.001) return "<0.1%";
  if (share < 1 && share > 0.999) return ">99.9%";
  return `${(share * 100).toFixed(share === 0 || share === 1 ? 0 : 1)}%`;
}

/** @param {number | null} value */
export function milliseconds(value) {
  if (value === null) return ABSENT;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return `${value >= 10 ? Math.round(value) : value.toPrecision(2)} ms`;
}

const UNITS = /** @type {const} */ ([["d", 86400], ["h", 3600], ["min", 60], ["s", 1]]);

/**
 * The two largest units: 93784 s is "1 d 2 h".
 * @param {number | null} seconds
 */
export function duration(seconds) {
  if (seconds === null) return ABSENT;
  let rest = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => rest >= size);
  if (first < 0) return "0 s";
  const parts = [];
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(`${n} ${unit}`);
  }
  return parts.join(" ");
}

/**
 * @param {number | null} unix_s
 * @param {string} [timeZone] the reader's own by default
 */
export function dateTime(unix_s, timeZone) {
  if (unix_s === null) return ABSENT;
  const format = new Intl.DateTimeFormat("en-GB", {
    dateStyle: "medium", timeStyle: "short", timeZone,
  });
  return format.format(unix_s * 1000);
}

/**
 * @param {number} unix_s
 * @param {string} [timeZone] the reader's own by default
 */
export function clockTime(unix_s, timeZone) {
  return new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone }).format(unix_s * 1000);
}

/** @param {number | null} per_s */
export function rate(per_s) {
  if (per_s === null) return ABSENT;
  return `${per_s < 10 ? per_s.toFixed(1) : NUMBER.format(Math.round(per_s))} images/s`;
}

/** @param {number} size_bytes */
export function megabytes(size_bytes) {
  return `${(size_bytes / 1e6).toFixed(1)} MB`;
}

/** @param {number | null} value */
export function decimal(value) {
  return value === null ? ABSENT : value.toFixed(3);
}

/** @param {number} n */
export function integer(n) {
  return NUMBER.format(n);
}

/**
 * "1 image", "2 images".
 * @param {number} n
 * @param {string} noun
 */
export function count(n, noun) {
  return `${NUMBER.format(n)} ${noun}${n === 1 ? "" : "s"}`;
}
