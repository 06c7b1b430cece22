/** What went wrong, and what the reader can do about it. */
export class Problem extends Error {
  /**
   * @param {string} detail
   * @param {string} remedy
   * @param {number} [status] of the HTTP answer, if there was one
   */
  constructor(detail, remedy, status) {
    super(detail);
    this.remedy = remedy;
    this.status = status;
  }
}

/**
 * Read an error answer: problem+json (RFC 9457), or whatever stands between page and server sent.
 * @param {number} status
 * @param {string} contentType
 * @param {string} body
 * @returns {Problem}
 */
export function readProblem(status, contentType, body) {
  if (contentType.startsWith("application/problem+json")) {
    try {
      const { detail, remedy } = JSON.parse(body);
      return new Problem(String(detail), String(remedy ?? ""), status);
    } catch {
      // Told below, like any answer that is not a problem.
    }
  }
  const again = "Try again; if it stays, read the server's log.";
  const remedy = status === 413 ? "Send less at once." : again;
  return new Problem(`The server answered ${status} without saying why.`, remedy, status);
}

/**
 * Any thrown thing as a Problem.
 * @param {unknown} error
 * @returns {Problem}
 */
export function asProblem(error) {
  if (error instanceof Problem) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return new Problem("The server did not answer in time.", "Try again.");
  }
  return new Problem(`The page failed: ${error}`, "Reload it; if it stays, report this sentence.");
}
