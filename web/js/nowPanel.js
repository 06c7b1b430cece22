import { byId, setText } from "./elements.js";
import { dateTime, duration, integer, milliseconds } from "./format.js";
import { describeHealth } from "./health.js";
import { keepCurrent } from "./keepCurrent.js";
import { CHANGED } from "./polled.js";

/**
 * What is in service, and how it does.
 * @param {import("./feed.js").Feed<Partial<import("./shapes.js").Now>>} feed
 */
export function nowPanel(feed) {
  const section = byId("now", HTMLElement);
  /** @type {string | null | undefined} */
  let known;
  /** @type {import("./shapes.js").Instance | undefined} */
  let told;

  keepCurrent({
    section,
    feed,
    show({ instance, statistics, pointer }) {
      told = instance;
      if (statistics) showStatistics(statistics);
      if (instance) {
        showHealth(pointer ? { ...instance.health, desired: pointer.version } : instance.health);
        showUptime(instance);
      } else if (pointer) {
        setText("now-version", pointer.version);
      }
      const desired = pointer?.version ?? instance?.health.desired;
      if (desired === undefined) return;
      if (known !== undefined && known !== desired) document.dispatchEvent(new Event(CHANGED));
      known = desired;
    },
  });

  setInterval(() => {
    if (told && !section.hasAttribute("data-stale")) showUptime(told);
  }, 1000);

  /** @param {import("./shapes.js").Health} health */
  function showHealth(health) {
    const { word, tone, sentence } = describeHealth(health);
    setText("now-version", (health.status === "ok" ? health.desired : health.serving) ?? "None yet");
    setText("now-health", word);
    setText("now-sentence", sentence);
    byId("now-health", HTMLElement).dataset.tone = tone;
  }

  /** @param {import("./shapes.js").Instance} instance */
  function showUptime({ uptime, told_at }) {
    const passed_s = Date.now() / 1000 - told_at;
    const service_s = uptime.service_uptime_s;
    setText("now-service-uptime", duration(service_s === null ? null : service_s + passed_s));
    const since = uptime.service_since;
    setText("now-service-since", since === null ? "" : `since ${dateTime(since)}`);
    setText("now-instance-uptime", duration(uptime.instance_uptime_s + passed_s));
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
