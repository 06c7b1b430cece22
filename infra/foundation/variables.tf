variable "project" {
  type        = string
  description = "The Google Cloud project that Ocellus has to itself."

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "Give the project's id, as in my-project-123, not its name or number."
  }
}

variable "region" {
  type        = string
  default     = "europe-west1"
  description = "Where images of containers are kept: the region of everything else."

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Give a region, as in europe-west1, not a zone."
  }
}

variable "billing_account" {
  type        = string
  default     = null
  description = "The billing account to set a budget on, as in 01AB23-CD45EF-67890A; none for no budget."

  validation {
    condition     = var.billing_account == null || can(regex("^[0-9A-F]{6}(-[0-9A-F]{6}){2}$", var.billing_account))
    error_message = "Give the account's id, as `gcloud billing accounts list` shows it."
  }
}

variable "budget" {
  type        = number
  default     = 10
  description = "What a month may cost before warnings go out, in the billing account's currency. It stops nothing."

  validation {
    condition     = var.budget >= 1 && floor(var.budget) == var.budget
    error_message = "Give a whole number of at least 1."
  }
}

variable "alert_email" {
  type        = string
  default     = null
  description = "Who is told of the budget, beside the billing account's administrators; none for nobody."

  validation {
    condition     = var.alert_email == null || can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", var.alert_email))
    error_message = "Give an e-mail address."
  }
}
