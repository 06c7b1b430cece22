locals {
  job = "ocellus-trainer"

  # Made by the foundation, one a role.
  accounts = {
    for role in ["builder", "predict", "api", "on-upload", "on-tick", "trainer", "scheduler", "events"] :
    role => "ocellus-${role}@${var.project}.iam.gserviceaccount.com"
  }

  # What functions/ocellus/settings.py reads, where every function and the trainer agree.
  environment = {
    OCELLUS_BACKEND           = "gcp"
    OCELLUS_PROJECT           = var.project
    OCELLUS_REGION            = var.region
    OCELLUS_BUCKET            = google_storage_bucket.artifacts.name
    OCELLUS_INBOX_BUCKET      = google_storage_bucket.inbox.name
    OCELLUS_JOB               = local.job
    OCELLUS_RETRAIN_THRESHOLD = tostring(var.retrain_threshold)
    OCELLUS_START_LEASE_S     = tostring(var.start_lease_s)
  }
}
