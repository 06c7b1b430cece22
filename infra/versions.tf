terraform {
  # Write-only arguments, which keep the admin token out of the state, came with 1.11.
  required_version = ">= 1.11, < 2.0"

  backend "gcs" {
    prefix = "ocellus"
  }

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.50, < 7.0"
    }
    random = {
      source  = "hashicorp/random"
      version = ">= 3.7, < 4.0"
    }
  }
}

provider "google" {
  project = var.project
  region  = var.region
}
