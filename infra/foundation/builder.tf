# What applies infra/, builds and deploys: Cloud Build runs as it, and builds the functions as it.
# Each role's reason is in infra/README.md.
locals {
  builder_roles = toset([
    "roles/cloudfunctions.developer",
    "roles/cloudscheduler.admin",
    "roles/datastore.owner",
    "roles/eventarc.developer",
    "roles/firebasehosting.admin",
    "roles/firebaserules.admin",
    "roles/logging.configWriter",
    "roles/logging.logWriter",
    "roles/monitoring.alertPolicyEditor",
    "roles/monitoring.dashboardEditor",
    "roles/monitoring.notificationChannelEditor",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageConsumer",
    "roles/storage.admin",
  ])
}

resource "google_service_account" "builder" {
  project      = var.project
  account_id   = "ocellus-builder"
  display_name = "Ocellus builder"
  description  = "Builds and deploys Ocellus"

  depends_on = [google_project_service.used]
}

resource "google_project_iam_member" "builder" {
  for_each = local.builder_roles

  project = var.project
  role    = each.key
  member  = google_service_account.builder.member
}

# Whoever lets something run as an account must be allowed to act as it: these, and no other.
resource "google_service_account_iam_member" "builder_acts_as" {
  for_each = merge(
    { for role, account in google_service_account.role : role => account.name },
    { builder = google_service_account.builder.name },
  )

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.builder.member
}

resource "google_artifact_registry_repository_iam_member" "builder" {
  project    = var.project
  location   = google_artifact_registry_repository.images.location
  repository = google_artifact_registry_repository.images.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.builder.member
}
