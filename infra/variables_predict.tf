variable "predict_cpu" {
  type        = number
  default     = 1
  description = "CPUs of an instance of predict; it has a worker process for each."

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.predict_cpu)
    error_message = "Give 1, 2, 4, 6 or 8: less than 1 allows no concurrency."
  }
}

variable "predict_memory" {
  type        = string
  default     = "1Gi"
  description = "Memory of an instance of predict: about 150 MB a worker, its bodies (max_bodies_mb), large photographs."

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.predict_memory))
    error_message = "Give a number with Mi or Gi, as in 1Gi."
  }
}

variable "predict_concurrency" {
  type        = number
  default     = 80
  description = "Requests that an instance of predict is sent at once before another instance starts."

  validation {
    condition     = var.predict_concurrency >= 1 && var.predict_concurrency <= 1000
    error_message = "Give 1 to 1000."
  }
}

variable "predict_min_instances" {
  type        = number
  default     = 0
  description = "Instances of predict kept warm. 0 costs nothing while idle; 1 spares the first visitor the cold start."

  validation {
    condition     = var.predict_min_instances >= 0 && var.predict_min_instances <= 100
    error_message = "Give 0 to 100."
  }
}

variable "predict_max_instances" {
  type        = number
  default     = 20
  description = "Instances of predict at the most: it bounds what a flood of requests can cost."

  validation {
    condition     = var.predict_max_instances >= 1 && var.predict_max_instances <= 1000
    error_message = "Give 1 to 1000."
  }
}

variable "predict_timeout_s" {
  type        = number
  default     = 300
  description = "Within which time predict must have answered, a batch of 10,000 images included."

  validation {
    condition     = var.predict_timeout_s >= 60 && var.predict_timeout_s <= 3600
    error_message = "Give 60 to 3600 seconds."
  }
}
