import { apiSources } from "./apiSources.js";
import { liveSources } from "./liveSources.js";

/**
 * Live from Firestore where Firebase Hosting tells of a project, else by asking the API.
 * @returns {Promise<import("./apiSources.js").Sources>}
 */
export async function chooseSources() {
  /** @type {import("./firestore.js").Config} */
  let config = {};
  try {
    // Source: https://firebase.google.com/docs/hosting/reserved-urls
    const response = await fetch("/__/firebase/init.json");
    if (response.ok) config = await response.json();
  } catch {
    // Whether the server can be reached, the API's feeds will say.
  }
  return config.projectId ? liveSources(config) : apiSources();
}
