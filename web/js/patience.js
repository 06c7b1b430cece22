import { Problem } from "./problem.js";

const FIRST_PAUSE_MS = 500;
const TRIES = 7;

/**
 * Whether the same request may well succeed later: no answer, or one that says so.
 * @param {unknown} error
 */
export function isPassing(error) {
  if (!(error instanceof Problem)) return false;
  const { status } = error;
  return status === undefined || status === 408 || status === 429 || status >= 500;
}

/**
 * Call, and after a fault that may pass call again, 0.5, 1, 2 … 16 s later. Raises what the last
 * call raised.
 * @template T
 * @param {() => Promise<T>} call
 * @param {(ms: number) => Promise<void>} sleep
 * @returns {Promise<T>}
 */
export async function patiently(call, sleep) {
  for (let tried = 1; ; tried++) {
    try {
      return await call();
    } catch (error) {
      if (tried === TRIES || !isPassing(error)) throw error;
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (tried - 1));
  }
}

/** @param {number} ms @returns {Promise<void>} */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
