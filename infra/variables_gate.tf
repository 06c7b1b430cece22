variable "gate" {
  type        = map(number)
  default     = {}
  description = "Thresholds of the gate other than the defaults, as in { tolerated_fall = 1 } (OCELLUS_GATE_…)."

  validation {
    condition = length(setsubtract(keys(var.gate), [
      "alpha_accuracy", "alpha_recall", "tolerated_fall", "min_agreement",
      "calibration_rise", "latency_ratio", "size_ratio",
    ])) == 0
    error_message = "Give thresholds that training_job/README.md names."
  }
}
