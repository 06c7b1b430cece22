import { setText } from "./elements.js";
import { clockTime } from "./format.js";
import { asProblem } from "./problem.js";

const PATIENCE_MS = 10_000;

/** Sent to the document when something changed that other sections show. */
export const CHANGED = "ocellus:changed";

/**
 * Load a section's data and show it, again and again, but not while nobody looks. When loading
 * fails, the section's `.stale` line says so and since when, until loading succeeds again. The
 * section is `aria-busy` until it first shows either.
 * @template Data
 * @param {object} options
 * @param {HTMLElement} options.section
 * @param {(signal: AbortSignal) => Promise<Data>} options.load
 * @param {(data: Data) => void} options.show
 * @param {number} options.every_ms
 */
export function keepCurrent({ section, load, show, every_ms }) {
  const stale = section.querySelector(".stale");
  if (!(stale instanceof HTMLElement)) throw new Error(`section #${section.id} has no .stale line`);
  let latest = 0;
  let timer = 0;
  /** @type {number | null} */
  let loaded_at = null;

  const look = async () => {
    clearTimeout(timer);
    const mine = ++latest;
    try {
      const data = await load(AbortSignal.timeout(PATIENCE_MS));
      if (mine !== latest) return;
      show(data);
      loaded_at = Date.now() / 1000;
      section.removeAttribute("data-stale");
      setText(stale, "");
    } catch (error) {
      if (mine !== latest) return;
      const { message, remedy } = asProblem(error);
      const since = loaded_at === null ? "Not loaded" : `Stale since ${clockTime(loaded_at)}`;
      section.setAttribute("data-stale", "");
      setText(stale, `${since}: ${message} ${remedy} Trying again by itself.`);
    }
    section.removeAttribute("aria-busy");
    clearTimeout(timer);
    if (mine === latest && !document.hidden) timer = window.setTimeout(look, every_ms);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!document.hidden) look();
  });
  document.addEventListener(CHANGED, look);
  look();
}
