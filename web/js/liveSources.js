import {
  loadEvents, loadInstance, loadModels, loadStatistics, loadTeaching, loadTraining, RUNS,
} from "./apiSources.js";
import { backed, together } from "./feed.js";
import { openFirestore, watchedDocument, watchedNewest } from "./firestore.js";
import { polled } from "./polled.js";

const SOON_MS = 5000;
const SUBSTITUTE_MS = 10_000;
const INSTANCE_MS = 60_000;
// Counting the samples, for one, reads each of them.
const PRIVATE_MS = 300_000;

/**
 * What Firestore's public documents hold as they change, the rest by asking the API rarely, or when
 * something changed that it may depend on: a page that nobody touches costs next to nothing.
 * @param {import("./firestore.js").Config} config
 * @returns {import("./apiSources.js").Sources}
 */
export function liveSources(config) {
  const firestore = openFirestore(config);
  /** @type {string | undefined} */
  let inService;
  const pointer = backed(
    watchedDocument(firestore, "serving/pointer", (fields) => {
      const found = /** @type {import("./shapes.js").Pointer | undefined} */ (fields) ?? null;
      inService = found?.version;
      return found;
    }),
    polled(async (signal) => (await loadModels(signal)).pointer, SUBSTITUTE_MS),
  );
  return {
    now: together({
      pointer,
      statistics: backed(
        watchedDocument(firestore, "public/statistics", readStatistics),
        polled(loadStatistics, SUBSTITUTE_MS),
      ),
      instance: polled(loadInstance, ({ health }) => (
        inService === undefined || health.serving === inService ? INSTANCE_MS : SOON_MS
      )),
    }),
    teaching: polled(loadTeaching, PRIVATE_MS),
    training: backed(
      watchedNewest(firestore, "runs", readRuns, RUNS), polled(loadTraining, SUBSTITUTE_MS),
    ),
    shelf: together({
      pointer,
      versions: backed(
        watchedNewest(
          firestore, "versions", (found) => /** @type {import("./shapes.js").Version[]} */ (found),
        ),
        polled(async (signal) => (await loadModels(signal)).versions, SUBSTITUTE_MS),
      ),
      events: polled(loadEvents, PRIVATE_MS),
    }),
  };
}

/**
 * @param {import("firebase/firestore").DocumentData | undefined} fields
 * @returns {import("./shapes.js").Statistics}
 */
function readStatistics(fields) {
  const none = {
    predictions: 0, unsure: 0, refused: 0, latency_ms: { p50: null, p95: null, p99: null },
    updated_at: null,
  };
  return { ...none, ...fields };
}

/**
 * @param {import("firebase/firestore").DocumentData[]} found
 * @returns {import("./shapes.js").Training}
 */
function readRuns(found) {
  const runs = /** @type {import("./shapes.js").Run[]} */ (
    found.map((fields) => ({ ...fields, id: `r${fields.number}`, version: `v${fields.number}` }))
  );
  return { runs, now: Date.now() / 1000 };
}
