locals {
  services = toset([
    "artifactregistry.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "eventarc.googleapis.com",
    "firebase.googleapis.com",
    "firebasehosting.googleapis.com",
    "firebaserules.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])
}

# They cost nothing, and others may use them: they stay when all else is destroyed.
resource "google_project_service" "used" {
  for_each = local.services

  project            = var.project
  service            = each.key
  disable_on_destroy = false
}

# Made now, because a trigger that comes minutes after its agent is refused.
resource "google_project_service_identity" "agents" {
  for_each = toset(["eventarc.googleapis.com", "pubsub.googleapis.com"])

  provider = google-beta
  project  = var.project
  service  = google_project_service.used[each.key].service
}

data "google_storage_project_service_account" "agent" {
  project    = var.project
  depends_on = [google_project_service.used]
}
