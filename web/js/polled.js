import { asProblem } from "./problem.js";

const PATIENCE_MS = 10_000;
const RETRY_MS = 10_000;

/** Sent to the document when something changed that other sections show. */
export const CHANGED = "ocellus:changed";

/**
 * Data that are loaded again and again, and at once when something changed, but not while nobody
 * looks.
 * @template Data
 * @param {(signal: AbortSignal) => Promise<Data>} load
 * @param {number | ((data: Data) => number)} every_ms how long what was loaded will do
 * @returns {import("./feed.js").Feed<Data>}
 */
export function polled(load, every_ms) {
  return (tell) => {
    const stopped = new AbortController();
    let latest = 0;
    let timer = 0;
    let due_at_ms = 0;
    /** @type {Data | undefined} */
    let data;
    /** @type {number | null} */
    let at = null;

    const look = async () => {
      clearTimeout(timer);
      const mine = ++latest;
      let problem = "";
      let wait_ms = RETRY_MS;
      try {
        const loaded = await load(AbortSignal.timeout(PATIENCE_MS));
        if (mine !== latest) return;
        data = loaded;
        at = Date.now() / 1000;
        wait_ms = typeof every_ms === "number" ? every_ms : every_ms(loaded);
      } catch (error) {
        if (mine !== latest) return;
        const { message, remedy } = asProblem(error);
        problem = `${message} ${remedy} Trying again by itself.`;
        if (typeof every_ms === "number") wait_ms = Math.min(every_ms, RETRY_MS);
      }
      due_at_ms = Date.now() + wait_ms;
      wait();
      tell({ data, at, problem, notice: "", loading: false });
    };
    const wait = () => {
      clearTimeout(timer);
      if (!document.hidden) timer = window.setTimeout(look, due_at_ms - Date.now());
    };

    document.addEventListener("visibilitychange", wait, stopped);
    document.addEventListener(CHANGED, look, stopped);
    look();
    return () => {
      stopped.abort();
      clearTimeout(timer);
      latest = Infinity;
    };
  };
}
