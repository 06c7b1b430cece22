import { clockTime, integer } from "./format.js";

/**
 * The service's health in a word and a sentence.
 * @param {import("./shapes.js").Health} health
 * @param {string} [timeZone] the reader's own by default
 * @returns {{word: string, tone: "good" | "warn" | "bad", sentence: string}}
 */
export function describeHealth(health, timeZone) {
  const { status, serving, desired, fault, statistics } = health;
  let why = fault ? ` Since ${clockTime(fault.since, timeZone)}: ${fault.detail}` : "";
  if (statistics.fault) {
    const since = clockTime(statistics.fault.since, timeZone);
    why += ` Since ${since} its statistics lag, by ${integer(statistics.waiting)} answers: ${statistics.fault.detail}`;
  }
  if (status === "down") {
    return { word: "Down", tone: "bad", sentence: `No version can be served.${why}` };
  }
  if (status === "degraded") {
    const instead = desired !== null && desired !== serving ? ` instead of ${desired}` : "";
    return { word: "Degraded", tone: "warn", sentence: `${serving} keeps answering${instead}.${why}` };
  }
  if (desired !== null && desired !== serving) {
    return { word: "Switching", tone: "warn", sentence: `${desired} is about to replace ${serving}.` };
  }
  return { word: "Healthy", tone: "good", sentence: `${serving} is the version it should be.` };
}
