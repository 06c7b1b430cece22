import { count } from "./format.js";

/**
 * An event of the audit trail as a sentence. An action not known here is told as it came.
 * @param {import("./shapes.js").AuditEvent} event
 * @returns {string}
 */
export function describeEvent({ actor, action, detail }) {
  switch (action) {
    case "promoted": {
      const instead = detail.previous ? ` in place of ${detail.previous}` : "";
      const change = `put ${detail.version} in service${instead}`;
      // A run's reason stands beside it already: it is the sentence of what it published.
      return detail.run ? `Run ${detail.run} ${change}.` : `${actor} ${change}: ${detail.reason}`;
    }
    case "published":
      return `Run ${detail.run} made ${detail.version}: ${detail.sentence}`;
    case "run_requested":
      return `Run ${detail.run} was requested by ${actor} (${detail.mode}).`;
    case "run_ended":
      return `Run ${detail.run} ${detail.status}: ${detail.reason}`;
    case "uploaded": {
      const labels = Object.entries(detail.labels).map(([label, n]) => `${n} ${label}`).join(", ");
      return `${actor} uploaded ${count(detail.new, "new image")}${labels && `: ${labels}`}.`;
    }
    case "removed":
      return `${actor} removed a sample of ${detail.label}.`;
    case "rejected":
      return `${actor} rejected ${detail.file}: ${detail.reason}`;
    default:
      return `${actor} ${action} ${JSON.stringify(detail)}`;
  }
}
