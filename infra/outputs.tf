output "page_url" {
  value       = "https://${var.project}.web.app"
  description = "The page."
}

output "predict_url" {
  value       = google_cloudfunctions2_function.predict.service_config[0].uri
  description = "The predict function itself, past Firebase Hosting."
}

output "api_url" {
  value       = google_cloudfunctions2_function.api.service_config[0].uri
  description = "The api function itself, past Firebase Hosting."
}

output "artifacts_bucket" {
  value       = google_storage_bucket.artifacts.name
  description = "Models, samples and data sets."
}

output "inbox_bucket" {
  value       = google_storage_bucket.inbox.name
  description = "Drop labelled images here: LABEL/NAME."
}

output "job" {
  value       = google_cloud_run_v2_job.trainer.name
  description = "The training job."
}

output "admin_token_secret" {
  value       = google_secret_manager_secret.admin_token.secret_id
  description = "The secret that holds the admin token: `gcloud secrets versions access latest --secret=…`."
}

output "dashboard_url" {
  value       = "https://console.cloud.google.com/monitoring/dashboards/builder/${reverse(split("/", google_monitoring_dashboard.ocellus.id))[0]}?project=${var.project}"
  description = "How it is doing."
}
