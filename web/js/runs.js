import { count, duration, integer } from "./format.js";

/** @typedef {import("./shapes.js").Run} Run */

/** @type {Record<string, string>} */
const PHASES = {
  start: "starting",
  snapshot: "collecting the samples",
  read: "reading the images",
  features: "computing features",
  train: "training",
  export: "exporting to LiteRT",
  evaluate: "evaluating on the holdout",
  gate: "comparing with the version in service",
  publish: "publishing",
};

/** @param {Run} run */
export function isActive(run) {
  return run.status === "queued" || run.status === "running";
}

/**
 * What the run is doing, without figures that change every second.
 * @param {Run} run
 */
export function describeRun(run) {
  const name = `Run ${run.id} (${run.mode})`;
  if (run.status === "queued") return `${name} waits for a trainer to start.`;
  if (run.status === "running") {
    const phase = run.progress ? (PHASES[run.progress.phase] ?? run.progress.phase) : "starting";
    const attempt = run.attempt > 1 ? `, attempt ${run.attempt}` : "";
    return `${name} is ${phase}${attempt}.`;
  }
  return run.message || `${name} ${run.status}.`;
}

/**
 * "Epoch 3 of 16, step 12 of 97", or less if the phase has none.
 * @param {import("./shapes.js").Progress} progress
 */
export function describePosition(progress) {
  const parts = [];
  if (progress.epochs > 0) parts.push(`epoch ${progress.epoch} of ${progress.epochs}`);
  if (progress.steps > 0) parts.push(`step ${progress.step} of ${progress.steps}`);
  else if (progress.step > 0) parts.push(`${integer(progress.step)} so far`);
  const text = parts.join(", ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/**
 * The share of the run's time that has passed, 0 to 1; null while nobody knows.
 * @param {Run} run
 * @param {number} now the server's clock
 */
export function shareDone(run, now) {
  const left_s = run.progress?.seconds_left ?? null;
  if (left_s === null) return null;
  const passed_s = Math.max(0, now - run.created_at);
  return passed_s + left_s > 0 ? passed_s / (passed_s + left_s) : 1;
}

/**
 * How the run came about and how long it took.
 * @param {Run} run
 */
export function describeOrigin(run) {
  const bySamples = run.trigger === "threshold";
  const origin = bySamples ? "started by new samples" : `asked for by ${run.requested_by}`;
  if (run.finished_at === null) return `${run.mode}, ${origin}`;
  return `${run.mode}, ${origin}, took ${duration(run.finished_at - run.created_at)}`;
}

/**
 * How far it is to a run that starts by itself.
 * @param {number} newSamples
 * @param {number} threshold
 */
export function describeThreshold(newSamples, threshold) {
  const missing = threshold - newSamples;
  if (missing > 0) {
    const found = `${newSamples} of ${count(threshold, "new sample")}`;
    return `${found}: ${missing} more until a retrain starts by itself.`;
  }
  const found = `${count(newSamples, "new sample")}, enough for a retrain (${threshold})`;
  return `${found}: it starts by itself once no run is active.`;
}
