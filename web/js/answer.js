/**
 * An answer in a title and, where it is in doubt, a sentence.
 * @param {Pick<import("./shapes.js").Prediction, "label" | "unsure" | "none_of_these">} prediction
 * @returns {{title: string, doubt: string}}
 */
export function describeAnswer({ label, unsure, none_of_these }) {
  if (none_of_these) {
    return {
      title: "None of these",
      doubt: "The image is like nothing this version was trained on. Below is what comes nearest.",
    };
  }
  const doubt = "Unsure: the best guess is below the confidence this version asks of itself.";
  return { title: label, doubt: unsure ? doubt : "" };
}
