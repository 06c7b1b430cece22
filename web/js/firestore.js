/**
 * @typedef {typeof import("/vendor/firestore.js")} Sdk
 * @typedef {{sdk: Sdk, db: import("firebase/firestore").Firestore}} Opened
 *
 * What Firebase Hosting tells of the project's web app; `{}` where there is none.
 * @typedef {object} Config
 * @property {string} [projectId]
 * @property {string} [apiKey]
 * @property {string} [firestoreEmulatorHost] host and port of an emulator to use instead
 */

const GRACE_MS = 5000;
const RETRY_MS = 60_000;

/**
 * Load the SDK and open the project's database. While nobody looks the connection rests.
 *
 * When the SDK loses Firestore it looks for an image of www.google.com, to tell a lost Firestore
 * from a lost network. The site's policy forbids it, and the console says so.
 * @param {Config} config
 * @returns {Promise<Opened>}
 */
export async function openFirestore(config) {
  const sdk = await import("/vendor/firestore.js");
  const db = sdk.getFirestore(sdk.initializeApp(config));
  if (config.firestoreEmulatorHost) {
    const { hostname, port } = new URL(`http://${config.firestoreEmulatorHost}`);
    sdk.connectFirestoreEmulator(db, hostname, Number(port));
  }
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) sdk.disableNetwork(db);
    else sdk.enableNetwork(db);
  });
  return { sdk, db };
}

/**
 * A feed of one document.
 * @template Data
 * @param {Promise<Opened>} opened
 * @param {string} path
 * @param {(fields: import("firebase/firestore").DocumentData | undefined) => Data} read
 * @returns {import("./feed.js").Feed<Data>}
 */
export function watchedDocument(opened, path, read) {
  return watched(opened, ({ sdk, db }, heard, failed) => sdk.onSnapshot(
    sdk.doc(db, path), { includeMetadataChanges: true },
    (found) => heard(found.metadata.fromCache ? undefined : { data: read(found.data()) }), failed,
  ));
}

/**
 * A feed of a collection's documents, the greatest `number` first.
 * @template Data
 * @param {Promise<Opened>} opened
 * @param {string} name
 * @param {(fields: import("firebase/firestore").DocumentData[]) => Data} read
 * @param {number} [most] how many documents, at the most
 * @returns {import("./feed.js").Feed<Data>}
 */
export function watchedNewest(opened, name, read, most) {
  return watched(opened, ({ sdk, db }, heard, failed) => {
    const limits = most === undefined ? [] : [sdk.limit(most)];
    const newest = sdk.query(sdk.collection(db, name), sdk.orderBy("number", "desc"), ...limits);
    return sdk.onSnapshot(newest, { includeMetadataChanges: true }, ({ docs, metadata }) => {
      heard(metadata.fromCache ? undefined : { data: read(docs.map((found) => found.data())) });
    }, failed);
  });
}

/**
 * A feed with a problem while Firestore refuses, or has not vouched for what is known for a while.
 * @template Data
 * @param {Promise<Opened>} opened
 * @param {(
 *   opened: Opened,
 *   heard: (current: {data: Data} | undefined) => void,
 *   failed: (error: Error) => void,
 * ) => () => void} listen hears nothing current where only the SDK's cache answers
 * @returns {import("./feed.js").Feed<Data>}
 */
function watched(opened, listen) {
  return (tell) => {
    /** @type {Data | undefined} */
    let data;
    /** @type {number | null} */
    let at = null;
    let current = false;
    let doubt = 0;
    let retry = 0;
    let stop = () => {};
    const stopped = new AbortController();

    /** @param {string} problem */
    const say = (problem) => tell({ data, at, problem, notice: "", loading: false });
    const lose = () => {
      if (current) at = Date.now() / 1000;
      current = false;
      clearTimeout(doubt);
    };
    const wait = () => {
      lose();
      if (document.hidden) return;  // the connection rests
      doubt = window.setTimeout(say, GRACE_MS, "Firestore cannot be reached.");
    };
    /** @param {Error} error */
    const failed = (error) => {
      lose();
      say(`Firestore refuses to answer (${error.message}).`);
      retry = window.setTimeout(start, RETRY_MS);
    };
    const start = () => opened.then((database) => {
      if (stopped.signal.aborted) return;
      stop = listen(database, (found) => {
        if (found === undefined) {
          wait();
          return;
        }
        clearTimeout(doubt);
        ({ data } = found);
        at = Date.now() / 1000;
        current = true;
        say("");
      }, failed);
    }).catch((error) => {
      lose();
      say(`Firestore cannot be opened (${error}).`);
    });

    document.addEventListener("visibilitychange", () => {
      if (!current) wait();
    }, stopped);
    wait();
    start();
    return () => {
      stopped.abort();
      clearTimeout(doubt);
      clearTimeout(retry);
      stop();
    };
  };
}
