import { describeAnswer } from "./answer.js";
import { predict } from "./api.js";
import { batchPanel, isBatch } from "./batchPanel.js";
import { byId, element, setText } from "./elements.js";
import { milliseconds, percent } from "./format.js";
import { showProblem } from "./showProblem.js";

const SHOWN_AT_FIRST = 5;

/** Drop, choose or paste an image, several or a zip; see what is on them. */
export function predictPanel() {
  const input = byId("predict-file", HTMLInputElement);
  const zone = byId("predict-zone", HTMLElement);
  const preview = byId("predict-preview", HTMLImageElement);
  const status = byId("predict-status", HTMLElement);
  const alert = byId("predict-problem", HTMLElement);
  const result = byId("predict-result", HTMLElement);
  const bars = byId("predict-bars", HTMLOListElement);
  const more = byId("predict-more", HTMLButtonElement);
  const batch = batchPanel();
  let current = new AbortController();

  input.addEventListener("change", () => look(input.files));
  zone.addEventListener("dragover", () => zone.setAttribute("data-over", ""));
  zone.addEventListener("dragleave", () => zone.removeAttribute("data-over"));
  zone.addEventListener("drop", (event) => {
    zone.removeAttribute("data-over");
    look(event.dataTransfer?.files);
  });
  document.addEventListener("paste", (event) => look(event.clipboardData?.files));
  preview.addEventListener("error", () => zone.removeAttribute("data-preview"));
  more.addEventListener("click", () => showAll(more.getAttribute("aria-expanded") === "false"));

  /** @param {FileList | null | undefined} files */
  async function look(files) {
    const chosen = Array.from(files ?? []);
    const [file] = chosen;
    if (!file) return;
    current.abort();
    const mine = (current = new AbortController());
    alert.replaceChildren();
    result.hidden = true;
    batch.clear();
    try {
      if (isBatch(chosen)) {
        zone.removeAttribute("data-preview");
        setText(status, `Looking at ${chosen.length > 1 ? `${chosen.length} files` : file.name}…`);
        setText(status, await batch.look(chosen, mine.signal));
      } else {
        showPreview(file);
        setText(status, `Looking at ${file.name}…`);
        showPrediction(await predict(file, mine.signal));
        setText(status, "");
      }
    } catch (error) {
      if (mine.signal.aborted) return;
      setText(status, "");
      showProblem(alert, error);
    } finally {
      if (mine === current) input.value = "";  // so that the same file can be chosen again
    }
  }

  /** @param {File} file */
  function showPreview(file) {
    URL.revokeObjectURL(preview.src);
    preview.src = URL.createObjectURL(file);
    preview.alt = `Preview of ${file.name}`;
    zone.setAttribute("data-preview", "");
  }

  /** @param {import("./shapes.js").Prediction} prediction */
  function showPrediction(prediction) {
    const { probability, none_of_these, probabilities, version, timing } = prediction;
    const { title, doubt } = describeAnswer(prediction);
    setText("predict-label", title);
    setText("predict-probability", none_of_these ? "" : percent(probability));
    setText("predict-doubt", doubt);
    byId("predict-doubt", HTMLElement).hidden = !doubt;
    bars.replaceChildren(...probabilities.map(bar));
    more.hidden = probabilities.length <= SHOWN_AT_FIRST;
    showAll(false);
    const facts = [
      `By ${version}`,
      `decode ${milliseconds(timing.decode_ms)}`,
      `inference ${milliseconds(timing.inference_ms)}`,
      `total ${milliseconds(timing.total_ms)}`,
      timing.cold ? "cold start" : "warm",
    ];
    setText("predict-timing", facts.join(" · "));
    result.hidden = false;
  }

  /** @param {boolean} all */
  function showAll(all) {
    for (const item of Array.from(bars.children).slice(SHOWN_AT_FIRST)) {
      item.toggleAttribute("hidden", !all);
    }
    more.setAttribute("aria-expanded", String(all));
    setText(more, all ? `Show the top ${SHOWN_AT_FIRST}` : `Show all ${bars.children.length}`);
  }
}

/** @param {import("./shapes.js").Probability} entry */
function bar({ label, probability }) {
  const item = element(
    "li", {},
    element("span", { class: "name" }, label),
    element("span", { class: "value" }, percent(probability)),
    element("span", { class: "bar", "aria-hidden": "true" }),
  );
  item.style.setProperty("--share", `${probability * 100}%`);
  return item;
}
