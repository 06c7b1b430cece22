import { change, get, putBytes, upload } from "./api.js";
import { byId, element, setText } from "./elements.js";
import { count, megabytes } from "./format.js";
import { keepCurrent } from "./keepCurrent.js";
import { pause } from "./patience.js";
import { CHANGED } from "./polled.js";
import { Problem } from "./problem.js";
import { addReceipts, describeReceipt, fitsOneRequest, inParts, isZip } from "./receipts.js";
import { describeThreshold } from "./runs.js";
import { showProblem } from "./showProblem.js";
import { uploadSigned } from "./signedUpload.js";

const ANSWER_MS = 30_000;

/**
 * Labelled images in, and how far it is to the next retrain.
 * @param {import("./feed.js").Feed<import("./shapes.js").Teaching>} feed
 */
export function teachPanel(feed) {
  const section = byId("teach", HTMLElement);
  const form = byId("teach-form", HTMLFormElement);
  const label = byId("teach-label", HTMLInputElement);
  const input = byId("teach-files", HTMLInputElement);
  const button = byId("teach-send", HTMLButtonElement);
  const progress = byId("teach-progress", HTMLProgressElement);
  const status = byId("teach-status", HTMLElement);
  const alert = byId("teach-problem", HTMLElement);
  const rejected = byId("teach-rejected", HTMLUListElement);

  keepCurrent({
    section,
    feed,
    show({ modelLabels, samples, retrain }) {
      const taught = Object.keys(samples.labels);
      const known = [...new Set([...modelLabels, ...taught])].sort();
      const options = known.map((value) => element("option", { value }));
      byId("teach-labels", HTMLDataListElement).replaceChildren(...options);
      setText("teach-on-file", samples.count === 0
        ? "No samples on file yet."
        : `${count(samples.count, "sample")} on file under ${count(taught.length, "label")}.`);
      setText("teach-threshold", describeThreshold(retrain.new_samples, retrain.threshold));
      const meter = byId("teach-meter", HTMLProgressElement);
      meter.max = retrain.threshold;
      meter.value = Math.min(retrain.new_samples, retrain.threshold);
    },
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    alert.replaceChildren();
    rejected.replaceChildren();
    setText(status, "");
    button.disabled = true;
    try {
      await send(Array.from(input.files ?? []));
      input.value = "";
    } catch (error) {
      showProblem(alert, error);
    } finally {
      button.disabled = false;
      progress.hidden = true;
      document.dispatchEvent(new Event(CHANGED));
    }
  });

  /** @param {File[]} files */
  async function send(files) {
    const text = label.value.trim();
    if (files.length === 0) throw new Problem("No files are chosen.", "Choose images, or a zip.");
    if (!text && !files.every(isZip)) {
      const remedy = "Say what they show, or send a zip with a folder per label.";
      throw new Problem("The images have no label.", remedy);
    }
    const parts = inParts(files);
    // Hashes, which name the files, are to be had only on https and on this machine.
    if (!fitsOneRequest(files) && window.isSecureContext) {
      await sendSigned(files, text);
      return;
    }
    /** @type {import("./shapes.js").Receipt | null} */
    let receipt = null;
    for (const [i, part] of parts.entries()) {
      const body = new FormData();
      if (text) body.append("label", text);
      for (const file of part) body.append("file", file);
      const whole = parts.length === 1;
      const name = whole ? count(files.length, "file") : `part ${i + 1} of ${parts.length}`;
      try {
        const answer = await upload(body, showSending(part, name));
        receipt = receipt ? addReceipts(receipt, answer) : answer;
      } finally {
        showReceipt(receipt);  // of the parts that arrived
      }
    }
  }

  /**
   * Send more than a request carries, straight to the inbox.
   * @param {File[]} files
   * @param {string} text
   */
  async function sendSigned(files, text) {
    progress.max = files.reduce((sum, file) => sum + file.size, 0);
    progress.value = 0;
    progress.hidden = false;
    const whole = `${count(files.length, "file")}, ${megabytes(progress.max)}`;
    setText(status, `Preparing ${whole}…`);
    const receipt = await uploadSigned(files, text, (sent) => {
      progress.value = sent.bytes;
      setText(status, sent.files < files.length
        ? `Sending ${whole}: ${sent.files} sent…`
        : `All has arrived. Waiting until ${count(files.length, "file")} are filed…`);
    }, {
      get: (path) => get(path, AbortSignal.timeout(ANSWER_MS)), change, put: putBytes, sleep: pause,
    });
    showReceipt(receipt);
  }

  /**
   * @param {File[]} files
   * @param {string} name
   */
  function showSending(files, name) {
    const size = files.reduce((sum, file) => sum + file.size, 0);
    progress.max = size;
    progress.value = 0;
    progress.hidden = false;
    setText(status, `Sending ${name}, ${megabytes(size)}…`);
    return (/** @type {number} */ sent) => {
      progress.value = Math.min(sent, size);
      if (sent >= size) setText(status, `The server checks ${name}…`);
    };
  }

  /** @param {import("./shapes.js").Receipt | null} receipt */
  function showReceipt(receipt) {
    if (receipt === null) {
      setText(status, "");
      return;
    }
    const started = receipt.run ? ` Run ${receipt.run} started.` : "";
    setText(status, describeReceipt(receipt) + started);
    rejected.replaceChildren(...receipt.rejected.map(
      ({ name, reason }) => element("li", {}, element("b", {}, name), ` ${reason}`),
    ));
  }
}
