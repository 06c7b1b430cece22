variable "trainer_cpu" {
  type        = number
  default     = 4
  description = "CPUs of the training job."

  validation {
    condition     = contains([1, 2, 4, 6, 8], var.trainer_cpu)
    error_message = "Give 1, 2, 4, 6 or 8."
  }
}

variable "trainer_memory" {
  type        = string
  default     = "8Gi"
  description = "Memory of the training job, its scratch files included."

  validation {
    condition     = can(regex("^[1-9][0-9]*Gi$", var.trainer_memory))
    error_message = "Give a number with Gi, as in 8Gi."
  }
}

variable "trainer_timeout_s" {
  type        = number
  default     = 10800
  description = "How long one attempt of a training may take, in seconds. The next goes on from the checkpoint."

  validation {
    condition     = var.trainer_timeout_s >= 600 && var.trainer_timeout_s <= 604800
    error_message = "Give 600 seconds to 604800, a week."
  }
}

variable "trainer_retries" {
  type        = number
  default     = 1
  description = "How often the platform starts a trainer again that ended in failure; on_tick replaces the dead besides."

  validation {
    condition     = var.trainer_retries >= 0 && var.trainer_retries <= 10
    error_message = "Give 0 to 10."
  }
}

variable "trainer_gpu" {
  type        = string
  default     = null
  description = "A GPU for the training job, as in nvidia-l4: only with an image whose TensorFlow uses it, and where the region has it."

  validation {
    condition     = var.trainer_gpu == null || can(regex("^nvidia-[a-z0-9-]+$", var.trainer_gpu))
    error_message = "Give an accelerator of Cloud Run's, as in nvidia-l4, or leave it out."
  }
}

variable "retrain_threshold" {
  type        = number
  default     = 50
  description = "New samples that start a run (OCELLUS_RETRAIN_THRESHOLD)."

  validation {
    condition     = var.retrain_threshold >= 1
    error_message = "Give at least 1."
  }
}

variable "start_lease_s" {
  type        = number
  default     = 300
  description = "How long a started trainer may take to claim its run, in seconds: an image of 2 GB is fetched first (OCELLUS_START_LEASE_S)."

  validation {
    condition     = var.start_lease_s >= 60
    error_message = "Give at least 60."
  }
}

variable "tick_schedule" {
  type        = string
  default     = "*/5 * * * *"
  description = "When on_tick replaces dead trainers and starts due runs, in cron's form, UTC."

  validation {
    condition     = length(split(" ", var.tick_schedule)) == 5
    error_message = "Give five fields, as in */5 * * * *."
  }
}
