import { Problem, readProblem } from "./problem.js";
import { adminToken } from "./adminToken.js";

const UNREACHABLE = new Problem(
  "The server cannot be reached.", "Check that it runs and that you are online.",
);

/**
 * GET, and return the JSON. Raises: Problem, TimeoutError.
 * @param {string} path
 * @param {AbortSignal} signal
 * @returns {Promise<any>}
 */
export async function get(path, signal) {
  return answer(await send(path, { signal }));
}

/**
 * GET /api/health, which answers 503 in the same shape when no version can be served.
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Health>}
 */
export async function getHealth(signal) {
  const response = await send("/api/health", { signal });
  const type = response.headers.get("content-type") ?? "";
  return response.status === 503 && type.startsWith("application/json")
    ? response.json()
    : answer(response);
}

/**
 * Predict from an image file's bytes. Raises: Problem, AbortError.
 * @param {File} file
 * @param {AbortSignal} signal
 * @returns {Promise<import("./shapes.js").Prediction>}
 */
export async function predict(file, signal) {
  const type = file.type.startsWith("image/") ? file.type : "application/octet-stream";
  const headers = { "Content-Type": type };
  return answer(await send("/api/predict", { method: "POST", body: file, headers, signal }));
}

/**
 * Predict many images, or zips of them, and return the NDJSON that comes as they are done.
 * Raises: Problem, AbortError.
 * @param {File[]} files
 * @param {AbortSignal} signal
 * @returns {Promise<ReadableStream<Uint8Array<ArrayBuffer>>>}
 */
export async function predictBatch(files, signal) {
  const body = new FormData();
  for (const file of files) body.append("file", file);
  const headers = { Accept: "application/x-ndjson" };
  const response = await send("/api/predict/batch", { method: "POST", body, headers, signal });
  return response.ok && response.body ? response.body : answer(response);
}

/**
 * POST JSON with the admin token, and return the JSON. Raises: Problem.
 * @param {string} path
 * @param {object} [fields]
 * @returns {Promise<any>}
 */
export async function change(path, fields = {}) {
  const headers = { "Content-Type": "application/json", ...authorization() };
  return answer(await send(path, { method: "POST", body: JSON.stringify(fields), headers }));
}

/**
 * POST files with the admin token. XMLHttpRequest, because fetch does not tell upload progress.
 * Raises: Problem.
 * @param {FormData} form
 * @param {(sent: number) => void} onSent gets the bytes sent so far
 * @returns {Promise<import("./shapes.js").Receipt>}
 */
export async function upload(form, onSent) {
  const request = new XMLHttpRequest();
  request.open("POST", "/api/upload/training-data");
  for (const [name, value] of Object.entries(authorization())) {
    request.setRequestHeader(name, value);
  }
  request.upload.addEventListener("progress", (event) => onSent(event.loaded));
  await new Promise((resolve, reject) => {
    request.addEventListener("load", resolve);
    request.addEventListener("error", () => reject(UNREACHABLE));
    request.send(form);
  });
  if (request.status === 200) return JSON.parse(request.responseText);
  const type = request.getResponseHeader("content-type") ?? "";
  throw readProblem(request.status, type, request.responseText);
}

/**
 * PUT bytes to where a file was signed for, maybe on another host; whatever the status, it is
 * returned, with the `Range` that a resumable upload answers. Raises: Problem, if no answer comes.
 * @param {string} url
 * @param {Blob} body
 * @param {Record<string, string>} headers
 * @param {(sent: number) => void} onSent gets the bytes sent so far
 * @returns {Promise<{status: number, range: string | null}>}
 */
export async function putBytes(url, body, headers, onSent) {
  const request = new XMLHttpRequest();
  request.open("PUT", url);
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.upload.addEventListener("progress", (event) => onSent(event.loaded));
  await new Promise((resolve, reject) => {
    request.addEventListener("load", resolve);
    request.addEventListener("error", () => reject(UNREACHABLE));
    request.send(body);
  });
  return { status: request.status, range: request.getResponseHeader("Range") };
}

/** @returns {Record<string, string>} */
function authorization() {
  const token = adminToken.value;
  if (/[^!-~]/.test(token)) {  // fetch would refuse it as a header
    throw new Problem("The admin token holds a character that no token has.", "Copy it again.", 401);
  }
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function send(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    throw error instanceof TypeError ? UNREACHABLE : error;
  }
}

/** @param {Response} response */
async function answer(response) {
  if (response.ok) return response.json();
  const type = response.headers.get("content-type") ?? "";
  throw readProblem(response.status, type, await response.text());
}
