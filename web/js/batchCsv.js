const FIELDS = ["number", "name", "label", "probability", "unsure", "none_of_these", "error"];

/**
 * Results as the CSV that /api/predict/batch answers: after the answer a column a label.
 * @param {import("./shapes.js").BatchResult[]} results
 * @returns {string}
 */
export function batchCsv(results) {
  const answered = results.find((result) => !result.error);
  const labels = (answered?.probabilities ?? []).map((p) => p.label).sort();
  const rows = results.map((result) => {
    const { number, name, error } = result;
    if (error) return [number, name, "", "", "", "", `${error.detail} ${error.remedy}`, ...labels.map(() => "")];
    const shares = new Map(result.probabilities.map((p) => [p.label, p.probability]));
    const { label, probability, unsure, none_of_these } = result;
    return [number, name, label, probability, unsure, none_of_these, "", ...labels.map((l) => shares.get(l))];
  });
  return [[...FIELDS, ...labels], ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

/** @param {unknown} value */
function cell(value) {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
