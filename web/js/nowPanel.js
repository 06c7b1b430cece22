import { get, getHealth } from "./api.js";
import { byId, setText } from "./elements.js";
import { dateTime, duration, integer, milliseconds } from "./format.js";
import { describeHealth } from "./health.js";
import { CHANGED, keepCurrent } from "./keepCurrent.js";

const EVERY_MS = 2000;

/** What is in service, and how it does. */
export function nowPanel() {
  const section = byId("now", HTMLElement);
  /** @type {string | null} */
  let known = null;

  keepCurrent({
    section,
    every_ms: EVERY_MS,
    load: (signal) => Promise.all([
      getHealth(signal), get("/api/model/uptime", signal), get("/api/statistics", signal),
    ]),
    show([health, uptime, statistics]) {
      showHealth(health);
      showUptime(uptime);
      showStatistics(statistics);
      if (known !== null && known !== health.desired) document.dispatchEvent(new Event(CHANGED));
      known = health.desired;
    },
  });

  /** @param {import("./shapes.js").Health} health */
  function showHealth(health) {
    const { word, tone, sentence } = describeHealth(health);
    setText("now-version", health.serving ?? "None yet");
    setText("now-health", word);
    setText("now-sentence", sentence);
    byId("now-health", HTMLElement).dataset.tone = tone;
  }

  /** @param {import("./shapes.js").Uptime} uptime */
  function showUptime(uptime) {
    setText("now-service-uptime", duration(uptime.service_uptime_s));
    const since = uptime.service_since;
    setText("now-service-since", since === null ? "" : `since ${dateTime(since)}`);
    setText("now-instance-uptime", duration(uptime.instance_uptime_s));
    setText("now-instance-since", `since ${dateTime(uptime.instance_since)}`);
  }

  /** @param {import("./shapes.js").Statistics} statistics */
  function showStatistics({ predictions, unsure, refused, latency_ms }) {
    setText("now-predictions", integer(predictions));
    setText("now-unsure", `${integer(unsure)} unsure, ${integer(refused)} refused`);
    setText("now-p50", milliseconds(latency_ms.p50));
    setText("now-p95", milliseconds(latency_ms.p95));
  }
}
