/** What the page uses of the Firebase SDK; `make web/vendor/firestore.js` bundles it. */
export { initializeApp } from "firebase/app";
export {
  collection, connectFirestoreEmulator, disableNetwork, doc, enableNetwork, getFirestore, limit,
  onSnapshot, orderBy, query,
} from "firebase/firestore";
