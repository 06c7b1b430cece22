import { get, getHealth } from "./api.js";
import { polled } from "./polled.js";
import { Problem } from "./problem.js";

/**
 * The feed of each section. A part of what it shows may be absent until it is known.
 * @typedef {object} Sources
 * @property {import("./feed.js").Feed<Partial<import("./shapes.js").Now>>} now
 * @property {import("./feed.js").Feed<import("./shapes.js").Teaching>} teaching
 * @property {import("./feed.js").Feed<import("./shapes.js").Training>} training
 * @property {import("./feed.js").Feed<Partial<import("./shapes.js").Shelf>>} shelf
 */

export const RUNS = 8;
const EVENTS = 20;

/**
 * Everything by asking the API, again and again.
 * @returns {Sources}
 */
export function apiSources() {
  return {
    now: polled(async (signal) => {
      const [instance, statistics] = await Promise.all([
        loadInstance(signal), loadStatistics(signal),
      ]);
      return { instance, statistics };
    }, 2000),
    teaching: polled(loadTeaching, 10_000),
    training: polled(loadTraining, 2000),
    shelf: polled(async (signal) => {
      const [models, events] = await Promise.all([loadModels(signal), loadEvents(signal)]);
      return { ...models, events };
    }, 10_000),
  };
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Instance>}
 */
export async function loadInstance(signal) {
  const [health, uptime] = await Promise.all([getHealth(signal), get("/api/model/uptime", signal)]);
  return { health, uptime, told_at: Date.now() / 1000 };
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Statistics>}
 */
export async function loadStatistics(signal) {
  return get("/api/statistics", signal);
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Training>}
 */
export async function loadTraining(signal) {
  const [{ runs }, { now }] = await Promise.all([
    get(`/api/runs?limit=${RUNS}`, signal), get("/api/retrain/status", signal),
  ]);
  return { runs, now };
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Models>}
 */
export async function loadModels(signal) {
  return get("/api/models", signal);
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").AuditEvent[]>}
 */
export async function loadEvents(signal) {
  return (await get(`/api/history?limit=${EVENTS}`, signal)).events;
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Teaching>}
 */
export async function loadTeaching(signal) {
  const [modelLabels, samples, retrain] = await Promise.all([
    loadLabels(signal), get("/api/samples", signal), get("/api/retrain/status", signal),
  ]);
  return { modelLabels, samples, retrain };
}

/**
 * The labels of the model in service; none before the first.
 * @param {AbortSignal} signal
 * @returns {Promise<string[]>}
 */
async function loadLabels(signal) {
  try {
    return (await get("/api/model/info", signal)).manifest.labels;
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return [];
    throw error;
  }
}
