import { element } from "./elements.js";
import { asProblem } from "./problem.js";

/**
 * Show what went wrong and what to do about it.
 * @param {HTMLElement} place an element with role=alert
 * @param {unknown} error
 */
export function showProblem(place, error) {
  const problem = asProblem(error);
  const lines = [element("p", { class: "detail" }, problem.message)];
  if (problem.remedy) lines.push(element("p", { class: "remedy" }, problem.remedy));
  if (problem.status === 401) {
    const link = element("a", { href: "#admin-token" }, "Enter the admin token");
    lines.push(element("p", {}, link));
  }
  place.replaceChildren(...lines);
}
