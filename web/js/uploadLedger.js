/**
 * @typedef {import("./shapes.js").SigningAnswer} SigningAnswer
 * @typedef {import("./shapes.js").AuditEvent} AuditEvent
 *
 * @typedef {object} Offered a file of an upload, as `/api/upload/sign` is asked about it
 * @property {File} file
 * @property {{label?: string, sha256: string, size_bytes: number, content_type: string}} offer
 */

const MAX_SENDS = 3;
export const ZIP = "application/zip";

/** What has become of each file of an upload by signed URLs, and what is still to be done. */
export class UploadLedger {
  /** @type {Map<string, Offered>} by name in the inbox: not yet filed, longest asked about first */
  pending = new Map();
  outcomes = { new: 0, duplicate: 0, conflicting: 0 };
  /** @type {Record<string, number>} new samples */
  labels = {};
  /** @type {{name: string, reason: string}[]} */
  rejected = [];
  /** @type {Map<string, number>} by name in the inbox */
  #sends = new Map();

  /** @param {number} startedAt by the server's clock */
  constructor(startedAt) {
    this.startedAt = startedAt;
  }

  /**
   * Enter an answer, and return how to send the file if it is to be sent.
   * @param {Offered} offered
   * @param {SigningAnswer} answer
   * @returns {import("./shapes.js").Upload | null}
   */
  follow(offered, { status, object, upload, reason }) {
    const name = object ?? "";
    const wasPending = this.pending.delete(name);
    const sends = this.#sends.get(name) ?? 0;
    if (status === "on_file") {
      this.#settle(wasPending ? "new" : "duplicate", offered.offer.label ?? "");
    } else if (status === "conflicting") {
      this.outcomes.conflicting += 1;
      this.#reject(offered, reason);
    } else if (status === "rejected") {
      this.#reject(offered, reason);
    } else if (status === "upload" && sends === MAX_SENDS) {
      this.#reject(offered, `It was sent ${MAX_SENDS} times and was not filed.`);
    } else {
      this.pending.set(name, offered);
      if (status === "upload") this.#sends.set(name, sends + 1);
      return upload;
    }
    return null;
  }

  /**
   * Enter what the history tells of files: why one was rejected, what became of a zip. The last
   * event of a zip is that it was `uploaded`, unless all of it was rejected.
   * @param {AuditEvent[]} events
   */
  read(events) {
    // An older event is about an earlier upload of the same bytes.
    const told = events.filter(({ at, detail }) =>
      at >= this.startedAt && this.pending.has(detail.object));
    const settled = new Map(told
      .filter(({ action, detail }) => action === "uploaded" || detail.file === detail.object)
      .map(({ detail }) => [detail.object, this.pending.get(detail.object)]));
    for (const { action, detail } of told) {
      const offered = settled.get(detail.object);
      if (!offered) continue;
      this.pending.delete(detail.object);
      if (action === "uploaded") {
        this.outcomes.new += detail.new;
        this.outcomes.duplicate += detail.duplicate;
        for (const [label, n] of Object.entries(detail.labels)) this.#count(label, n);
      } else if (action === "rejected") {
        const name = detail.file === detail.object ? offered.file.name : detail.file;
        this.rejected.push({ name, reason: detail.reason });
      }
    }
  }

  hasZips() {
    return [...this.pending.values()].some(({ offer }) => offer.content_type === ZIP);
  }

  /** @param {"new" | "duplicate"} outcome @param {string} label */
  #settle(outcome, label) {
    this.outcomes[outcome] += 1;
    if (outcome === "new") this.#count(label, 1);
  }

  /** @param {string} label @param {number} n */
  #count(label, n) {
    this.labels[label] = (this.labels[label] ?? 0) + n;
  }

  /** @param {Offered} offered @param {string} reason */
  #reject({ file }, reason) {
    this.rejected.push({ name: file.name, reason });
  }
}
