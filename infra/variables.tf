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
  description = "Where everything is. web/firebase.json names it, too."

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "Give a region, as in europe-west1, not a zone."
  }
}

variable "functions_archive" {
  type        = string
  description = "The zip of the functions that `make archive` made."

  validation {
    condition     = endswith(var.functions_archive, ".zip")
    error_message = "Give the path of a zip: make archive."
  }
}

variable "trainer_image" {
  type        = string
  description = "The trainer's image, by digest; `make image` writes it to .build/trainer_image."

  validation {
    condition     = can(regex("^[^@ ]+@sha256:[0-9a-f]{64}$", var.trainer_image))
    error_message = "Name the image by its digest, as in HOST/PROJECT/REPOSITORY/IMAGE@sha256:…: a tag may move."
  }
}

variable "destroy_data" {
  type        = bool
  default     = false
  description = "Whether destroying may take models, samples, history and the inbox along (README.md)."

  validation {
    condition     = var.destroy_data != null
    error_message = "Give true or false."
  }
}

variable "admin_token_version" {
  type        = number
  default     = 1
  description = "Raise it by one to make a new admin token; the old one ends with the next apply."

  validation {
    condition     = var.admin_token_version >= 1 && floor(var.admin_token_version) == var.admin_token_version
    error_message = "Give a whole number of at least 1."
  }
}
