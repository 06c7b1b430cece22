# The images of the trainer and, as Cloud Functions builds them, of the functions. A rollback needs
# the last few; what is older would cost money while nothing runs.
resource "google_artifact_registry_repository" "images" {
  project       = var.project
  location      = var.region
  repository_id = "ocellus"
  format        = "DOCKER"
  description   = "Ocellus: images of the trainer and the functions."

  cleanup_policies {
    id     = "keep-recent"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.used]

  lifecycle {
    # checkov:skip=CKV_GCP_84:Google's own keys encrypt it; a key of one's own costs money while idle, and images hold no data
  }
}
