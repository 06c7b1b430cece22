import { describeAnswer } from "./answer.js";
import { predictBatch } from "./api.js";
import { batchCsv } from "./batchCsv.js";
import { byId, element, setText } from "./elements.js";
import { count, integer, percent } from "./format.js";
import { readLines } from "./ndjson.js";
import { Problem } from "./problem.js";

/** More rows make a page slow; the CSV has all. */
const SHOWN = 500;

/**
 * Whether files make a batch: several, or a zip.
 * @param {{name: string, type: string}[]} files
 */
export function isBatch(files) {
  return files.length > 1 || files.some(({ name, type }) => /\.zip$/i.test(name) || /zip/.test(type));
}

/** Many images in one request, each shown in the table as its answer comes. */
export function batchPanel() {
  const panel = byId("batch", HTMLElement);
  const progress = byId("batch-progress", HTMLProgressElement);
  const rows = byId("batch-rows", HTMLTableSectionElement);
  const table = byId("batch-table", HTMLElement);
  const download = byId("batch-csv", HTMLAnchorElement);

  function clear() {
    panel.hidden = true;
    rows.replaceChildren();
    setText("batch-rest", "");
    URL.revokeObjectURL(download.href);
  }

  /**
   * Predict the files and return the sentence that sums the answers up. Raises: Problem, AbortError.
   * @param {File[]} files
   * @param {AbortSignal} signal
   * @returns {Promise<string>}
   */
  async function look(files, signal) {
    clear();
    const body = await predictBatch(files, signal);
    progress.removeAttribute("value");
    panel.hidden = false;
    progress.hidden = false;
    table.hidden = download.hidden = true;
    /** @type {import("./shapes.js").BatchResult[]} */
    const results = [];
    /** @type {import("./shapes.js").BatchSummary | undefined} */
    let summary;
    try {
      for await (const line of readLines(body)) {
        if (signal.aborted) throw signal.reason;
        if (line.summary) {
          summary = line.summary;
        } else {
          results.push(line);
          progress.max = line.total;
          progress.value = line.number;
          if (results.length <= SHOWN) rows.append(row(line));
          table.hidden = false;
        }
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;  // the connection broke, which is told below
    }
    progress.hidden = true;
    if (results.length > 0) offer(results);
    if (!summary) {
      throw new Problem(`The answer was cut off after ${count(results.length, "image")}.`, "Try again.");
    }
    return sentence(summary, results);
  }

  /** @param {import("./shapes.js").BatchResult[]} results */
  function offer(results) {
    download.href = URL.createObjectURL(new Blob([batchCsv(results)], { type: "text/csv" }));
    download.hidden = false;
    const rest = results.length - SHOWN;
    setText("batch-rest", rest > 0 ? `${integer(rest)} more are in the CSV.` : "");
  }

  return { clear, look };
}

/** @param {import("./shapes.js").BatchResult} result */
function row(result) {
  const { unsure, none_of_these, error } = result;
  const title = error ? error.detail : describeAnswer(result).title;
  const share = error ? "" : percent(result.probability);
  return element(
    "tr", {},
    element("td", { "data-column": "Image" }, result.name),
    element("td", { "data-column": "Answer" }, unsure && !none_of_these ? `${title}, unsure` : title),
    element("td", { "data-column": "Probability" }, share),
  );
}

/**
 * @param {import("./shapes.js").BatchSummary} summary
 * @param {import("./shapes.js").BatchResult[]} results
 */
function sentence({ predicted, refused, version }, results) {
  /** @type {Map<string, number>} */
  const titles = new Map();
  for (const result of results.filter(({ error }) => !error)) {
    const { title } = describeAnswer(result);
    titles.set(title, (titles.get(title) ?? 0) + 1);
  }
  const found = [...titles].sort(([, a], [, b]) => b - a);
  const shares = found.map(([label, n]) => `${integer(n)} ${label}`).join(", ");
  const faults = refused ? ` ${count(refused, "file")} could not be used.` : "";
  return `${count(predicted, "image")} by ${version}${shares ? `: ${shares}` : ""}.${faults}`;
}
