# A project stays a Firebase project for ever, and its default site with it; that costs nothing.
resource "google_firebase_project" "this" {
  provider = google-beta
  project  = var.project

  depends_on = [google_project_service.used]
}

# Its app makes Hosting answer /__/firebase/init.json, where the page finds Firestore.
resource "google_firebase_web_app" "page" {
  provider        = google-beta
  project         = google_firebase_project.this.project
  display_name    = "Ocellus"
  deletion_policy = "DELETE"
}

# The default site has the project's name, so that `firebase deploy` needs no target.
resource "google_firebase_hosting_site" "page" {
  provider = google-beta
  project  = google_firebase_project.this.project
  site_id  = var.project
  app_id   = google_firebase_web_app.page.app_id
}
