/** The whole web SDK of Firestore, for tests of what the rules deny it. */
export { initializeApp } from "firebase/app";
export * from "firebase/firestore";
