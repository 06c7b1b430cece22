variable "max_requests" {
  type        = number
  default     = 256
  description = "Requests to predict that a worker works on or lets wait (OCELLUS_MAX_REQUESTS)."

  validation {
    condition     = var.max_requests >= 1
    error_message = "Give at least 1."
  }
}

variable "max_bodies_mb" {
  type        = number
  default     = 128
  description = "How large their bodies may be together, in MB (OCELLUS_MAX_BODIES_MB)."

  validation {
    condition     = var.max_bodies_mb >= 32
    error_message = "Give at least 32, the largest body that Cloud Run takes."
  }
}

variable "client_rate" {
  type        = number
  default     = 0
  description = "Requests to predict a second from one address, per worker; 0 sets no limit (OCELLUS_CLIENT_RATE)."

  validation {
    condition     = var.client_rate >= 0
    error_message = "Give 0 or more."
  }
}

variable "proxies" {
  type        = number
  default     = 1
  description = "Proxies that append to X-Forwarded-For: Cloud Run's own, and one for each of yours (OCELLUS_PROXIES)."

  validation {
    condition     = var.proxies >= 0 && var.proxies <= 10
    error_message = "Give 0 to 10."
  }
}

variable "upload_s" {
  type        = number
  default     = 60
  description = "Within which time the body of a request to predict must be whole, in seconds (OCELLUS_UPLOAD_S)."

  validation {
    condition     = var.upload_s > 0
    error_message = "Give more than 0."
  }
}

variable "upload_attempts" {
  type        = number
  default     = 50
  description = "How often an event of the inbox is delivered before it goes to the dead letters; 50 take some seven hours."

  validation {
    condition     = var.upload_attempts >= 5 && var.upload_attempts <= 100
    error_message = "Give 5 to 100, as Pub/Sub takes."
  }
}

variable "inbox_days" {
  type        = number
  default     = 30
  description = "Days after which what could not be used leaves the inbox."

  validation {
    condition     = var.inbox_days >= 1
    error_message = "Give at least 1."
  }
}

variable "deleted_days" {
  type        = number
  default     = 7
  description = "Days for which what was deleted or overwritten among models and samples can be brought back."

  validation {
    condition     = var.deleted_days >= 1
    error_message = "Give at least 1."
  }
}
