import { change } from "./api.js";
import { byId, element, setText } from "./elements.js";
import { dateTime, decimal, duration, percent, rate } from "./format.js";
import { keepCurrent } from "./keepCurrent.js";
import { CHANGED } from "./polled.js";
import { describeOrigin, describePosition, describeRun, isActive, shareDone } from "./runs.js";
import { showProblem } from "./showProblem.js";

/** @typedef {import("./shapes.js").Run} Run */

/**
 * Start a training, watch it, stop it.
 * @param {import("./feed.js").Feed<import("./shapes.js").Training>} feed
 */
export function retrainPanel(feed) {
  const section = byId("retrain", HTMLElement);
  const form = byId("retrain-form", HTMLFormElement);
  const mode = byId("retrain-mode", HTMLSelectElement);
  const start = byId("retrain-start", HTMLButtonElement);
  const cancel = byId("retrain-cancel", HTMLButtonElement);
  const alert = byId("retrain-problem", HTMLElement);
  const bar = byId("retrain-bar", HTMLProgressElement);
  let known = "";
  let listed = "";

  keepCurrent({
    section,
    feed,
    show({ runs, now }) {
      const newest = runs[0] ?? null;
      showNewest(newest, now);
      showRuns(runs);
      const state = newest ? `${newest.id} ${newest.status}` : "none";
      if (known && known !== state) document.dispatchEvent(new Event(CHANGED));
      known = state;
    },
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    act(start, "/api/retrain", { mode: mode.value });
  });
  cancel.addEventListener("click", () => act(cancel, "/api/retrain/cancel"));

  /**
   * @param {HTMLButtonElement} button
   * @param {string} path
   * @param {object} [fields]
   */
  async function act(button, path, fields) {
    alert.replaceChildren();
    button.disabled = true;
    try {
      await change(path, fields);
    } catch (error) {
      showProblem(alert, error);
    } finally {
      button.disabled = false;
      document.dispatchEvent(new Event(CHANGED));
    }
  }

  /**
   * @param {Run | null} run
   * @param {number} now
   */
  function showNewest(run, now) {
    const active = run !== null && isActive(run);
    start.hidden = active;
    cancel.hidden = !active;
    mode.disabled = active;
    byId("retrain-live", HTMLElement).hidden = !active;
    setText("retrain-status", run ? describeRun(run) : "Nothing has been trained here yet.");
    byId("retrain-status", HTMLElement).dataset.status = run?.status ?? "";
    if (!active) return;
    const share = shareDone(run, now);
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
    const progress = run.progress;
    const left_s = progress?.seconds_left ?? null;
    setText("retrain-left", left_s === null ? "Time left not known yet" : `${duration(left_s)} left`);
    setText("retrain-position", progress ? describePosition(progress) : "");
    setText("retrain-loss", decimal(progress?.loss ?? null));
    setText("retrain-accuracy", percent(progress?.accuracy ?? null));
    setText("retrain-rate", rate(progress?.images_per_s ?? null));
  }

  /** @param {Run[]} runs */
  function showRuns(runs) {
    const ended = runs.filter((run) => !isActive(run));
    if (JSON.stringify(ended) === listed) return;
    listed = JSON.stringify(ended);
    byId("retrain-none", HTMLElement).hidden = ended.length > 0;
    byId("retrain-runs", HTMLOListElement).replaceChildren(...ended.map(item));
  }
}

/** @param {Run} run */
function item(run) {
  return element(
    "li", {},
    element("p", { class: "heading" },
      element("b", {}, run.id), " ",
      element("span", { class: "tag", "data-status": run.status }, run.status), " ",
      element("span", { class: "quiet" }, `${describeOrigin(run)} · ${dateTime(run.created_at)}`)),
    element("p", {}, run.message),
  );
}
