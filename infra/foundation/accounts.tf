# One account a role. What each may do to a bucket, a function or the job is said beside that, in
# infra/; here is only what is granted on the project or on an account. So whoever builds can give
# nobody a role on the project, himself included.
locals {
  accounts = {
    predict   = "Serves predictions"
    api       = "Answers all else under /api, and signs uploads"
    on-upload = "Takes what was dropped into the inbox"
    on-tick   = "Replaces dead trainers, starts due runs"
    trainer   = "Trains, judges and publishes versions"
    scheduler = "Calls on_tick, nothing else"
    events    = "Calls on_upload, nothing else"
  }
}

resource "google_service_account" "role" {
  for_each = local.accounts

  project      = var.project
  account_id   = "ocellus-${each.key}"
  display_name = "Ocellus ${each.key}"
  description  = each.value

  depends_on = [google_project_service.used]
}

# Firestore has no policies on databases or documents: its role is the project's by nature.
resource "google_project_iam_member" "firestore" {
  for_each = toset(["predict", "api", "on-upload", "on-tick", "trainer"])

  project = var.project
  role    = "roles/datastore.user"
  member  = google_service_account.role[each.key].member
}

# Eventarc looks for this role on the project.
resource "google_project_iam_member" "events" {
  project = var.project
  role    = "roles/eventarc.eventReceiver"
  member  = google_service_account.role["events"].member
}

# Eventarc makes the topic for the inbox's events itself, so that it can be named nowhere.
resource "google_project_iam_member" "storage_agent" {
  project = var.project
  role    = "roles/pubsub.publisher"
  member  = data.google_storage_project_service_account.agent.member
}

# signBlob in its own name, for signed uploads: there is no key to leak.
resource "google_service_account_iam_member" "api_signs" {
  service_account_id = google_service_account.role["api"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.role["api"].member
}
