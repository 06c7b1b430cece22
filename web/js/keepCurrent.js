import { setText } from "./elements.js";
import { clockTime } from "./format.js";
import { asProblem } from "./problem.js";

/**
 * Show in a section what a feed tells. The section's `.stale` line says what may be out of date,
 * since when and why. The section is `aria-busy` until something is known of all it shows.
 * @template Data
 * @param {object} options
 * @param {HTMLElement} options.section
 * @param {import("./feed.js").Feed<Data>} options.feed
 * @param {(data: Data) => void} options.show
 */
export function keepCurrent({ section, feed, show }) {
  const stale = section.querySelector(".stale");
  if (!(stale instanceof HTMLElement)) throw new Error(`section #${section.id} has no .stale line`);
  let busy = true;

  feed(({ data, at, problem, notice, loading }) => {
    const sentences = [notice];
    if (problem) {
      sentences.push(`${at === null ? "Not loaded" : `Stale since ${clockTime(at)}`}: ${problem}`);
    }
    try {
      if (data !== undefined) show(data);
    } catch (error) {
      sentences.push(asProblem(error).message);
    }
    section.toggleAttribute("data-stale", problem !== "");
    setText(stale, sentences.filter(Boolean).join(" "));
    if (busy && !loading) section.removeAttribute("aria-busy");
    busy = loading;
  });
}
