/**
 * What the API answers and Firestore's documents hold. Times are Unix seconds; shares and accuracies run from 0 to 1.
 *
 * @typedef {{label: string, probability: number}} Probability
 *
 * @typedef {object} Prediction
 * @property {string} request_id
 * @property {string} version
 * @property {string} label
 * @property {number} probability
 * @property {boolean} unsure
 * @property {boolean} none_of_these
 * @property {Probability[]} probabilities
 * @property {{decode_ms: number, inference_ms: number, total_ms: number, cold: boolean}} timing
 *
 * @typedef {object} BatchResult One of `error` and the answer.
 * @property {number} number
 * @property {number} total
 * @property {string} name
 * @property {string} label
 * @property {number} probability
 * @property {boolean} unsure
 * @property {boolean} none_of_these
 * @property {Probability[]} probabilities
 * @property {{detail: string, remedy: string}} [error]
 *
 * @typedef {object} BatchSummary
 * @property {string} version
 * @property {number} predicted
 * @property {number} refused
 *
 * @typedef {object} Health
 * @property {"ok" | "degraded" | "down"} status
 * @property {string | null} serving
 * @property {string | null} desired
 * @property {Fault | null} fault
 * @property {{waiting: number, fault: Fault | null}} statistics
 *
 * @typedef {{detail: string, since: number}} Fault
 *
 * @typedef {object} Uptime
 * @property {number | null} service_since
 * @property {number | null} service_uptime_s
 * @property {number} instance_since
 * @property {number} instance_uptime_s
 *
 * @typedef {object} Statistics
 * @property {number} predictions
 * @property {number} unsure
 * @property {number} refused
 * @property {{p50: number | null, p95: number | null, p99: number | null}} latency_ms
 * @property {number | null} updated_at
 *
 * @typedef {object} Progress
 * @property {string} phase
 * @property {number} epoch
 * @property {number} epochs
 * @property {number} step
 * @property {number} steps
 * @property {number | null} loss
 * @property {number | null} accuracy
 * @property {number | null} steps_per_s
 * @property {number | null} images_per_s
 * @property {number | null} seconds_left
 *
 * @typedef {object} Run
 * @property {string} id
 * @property {string} version the version that it makes
 * @property {string} trigger
 * @property {"auto" | "quick" | "full"} mode
 * @property {"queued" | "running" | "promoted" | "refused" | "failed" | "cancelled"} status
 * @property {string} requested_by
 * @property {number} created_at
 * @property {number | null} finished_at
 * @property {number} attempt
 * @property {Progress | null} progress
 * @property {string} message
 *
 * @typedef {object} RetrainStatus
 * @property {Run | null} run the newest
 * @property {number} new_samples
 * @property {number} threshold
 * @property {number} now
 *
 * @typedef {object} Pointer
 * @property {string} version
 * @property {string | null} previous
 * @property {number} promoted_at
 * @property {string} promoted_by
 * @property {string} reason
 *
 * @typedef {object} Version
 * @property {string} name
 * @property {string | null} parent
 * @property {number} created_at
 * @property {number | null} accuracy
 * @property {number} classes
 * @property {string} verdict
 * @property {string} sentence
 *
 * @typedef {{pointer: Pointer | null, versions: Version[]}} Models
 *
 * @typedef {{at: number, actor: string, action: string, detail: Record<string, any>}} AuditEvent
 *
 * @typedef {object} Samples
 * @property {number} count
 * @property {Record<string, {train: number, holdout: number, set_aside: number}>} labels
 *
 * @typedef {object} Upload how to send a file straight to the inbox
 * @property {string} url
 * @property {Record<string, string>} headers
 * @property {boolean} resumable
 *
 * @typedef {object} SigningAnswer
 * @property {"upload" | "waiting" | "on_file" | "conflicting" | "rejected"} status
 * @property {string | null} object the file's name in the inbox
 * @property {Upload | null} upload
 * @property {string} reason
 *
 * What one instance told of itself, and when by the reader's clock.
 * @typedef {{health: Health, uptime: Uptime, told_at: number}} Instance
 *
 * What the sections show:
 *
 * @typedef {object} Now
 * @property {Instance} instance
 * @property {Statistics} statistics
 * @property {Pointer | null} pointer where it is known sooner than by the instance's health
 *
 * @typedef {object} Teaching
 * @property {string[]} modelLabels
 * @property {Samples} samples
 * @property {RetrainStatus} retrain
 *
 * @typedef {{runs: Run[], now: number}} Training the newest run first
 *
 * @typedef {object} Shelf
 * @property {Pointer | null} pointer
 * @property {Version[]} versions the newest first
 * @property {AuditEvent[]} events the newest first
 *
 * @typedef {object} Receipt
 * @property {Partial<Record<"new" | "duplicate" | "conflicting" | "replayed", number>>} outcomes
 * @property {Record<string, number>} labels new images by label
 * @property {{name: string, reason: string}[]} rejected conflicting ones among them
 * @property {number} new_samples
 * @property {number} threshold
 * @property {string | null} run
 */
export {};
