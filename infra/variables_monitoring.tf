variable "alert_email" {
  type        = string
  default     = null
  description = "Who is told when something is wrong; none makes no alerts, which may cost (docs/money.md)."

  validation {
    condition     = var.alert_email == null || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alert_email))
    error_message = "Give an e-mail address."
  }
}

variable "alert_errors" {
  type        = number
  default     = 0.05
  description = "Share of a function's answers that may be 5xx over ten minutes."

  validation {
    condition     = var.alert_errors > 0 && var.alert_errors < 1
    error_message = "Give a share between 0 and 1."
  }
}

variable "alert_latency_ms" {
  type        = number
  default     = 2000
  description = "99th percentile of predict's latency over ten minutes, in milliseconds; batches and cold starts count."

  validation {
    condition     = var.alert_latency_ms > 0
    error_message = "Give more than 0."
  }
}
