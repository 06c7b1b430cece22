import { clockTime } from "./format.js";

/**
 * What a feed knows.
 *
 * @template Data
 * @typedef {object} View
 * @property {Data | undefined} data the newest there is
 * @property {number | null} at when the data were last known to be current, in Unix seconds
 * @property {string} problem why they may be out of date; empty if they are current
 * @property {string} notice what else the reader should know; empty if nothing
 * @property {boolean} loading whether there is more to come, of which nothing is known yet
 */

/**
 * Where data come from: once called, it tells what it knows, and again whenever that changes, until
 * what it returned is called.
 *
 * @template Data
 * @typedef {(tell: (view: View<Data>) => void) => () => void} Feed
 */

/**
 * Feeds as one, which has the data of each under its name.
 * @template {Record<string, any>} Data
 * @param {{[Name in keyof Data]: Feed<Data[Name]>}} feeds
 * @returns {Feed<Partial<Data>>}
 */
export function together(feeds) {
  return (tell) => {
    /** @type {Map<keyof Data, View<any>>} */
    const known = new Map();
    const names = Object.keys(feeds);
    const stops = names.map((name) => feeds[name]((view) => {
      known.set(name, view);
      const views = [...known.values()];
      const worst = views.find(({ problem }) => problem) ?? view;
      const data = Object.fromEntries([...known].map(([key, { data }]) => [key, data]));
      tell({
        data: /** @type {Partial<Data>} */ (data),
        at: worst.at,
        problem: worst.problem,
        notice: views.find(({ notice }) => notice)?.notice ?? "",
        loading: known.size < names.length,
      });
    }));
    return () => stops.forEach((stop) => stop());
  };
}

/**
 * A live feed, and another in its place while it has a problem.
 * @template Data
 * @param {Feed<Data>} live
 * @param {Feed<Data>} substitute
 * @returns {Feed<Data>}
 */
export function backed(live, substitute) {
  return (tell) => {
    /** @type {(() => void) | undefined} */
    let stopSubstitute;
    const standDown = () => {
      stopSubstitute?.();
      stopSubstitute = undefined;
    };
    const stopLive = live((view) => {
      if (!view.problem) {
        standDown();
        tell(view);
      } else if (!stopSubstitute) {
        const notice = describeLoss(view);
        tell({ ...view, problem: "", notice });
        stopSubstitute = substitute((second) => tell({
          ...second, data: second.data ?? view.data, at: second.at ?? view.at, notice,
        }));
      }
    });
    return () => {
      standDown();
      stopLive();
    };
  };
}

/** @param {View<any>} view */
function describeLoss({ at, problem }) {
  const lost = at === null ? "No live connection" : `Live connection lost since ${clockTime(at)}`;
  return `${lost}: ${problem} The server is asked instead.`;
}
