output "builder" {
  value       = google_service_account.builder.email
  description = "The service account that Cloud Build is to run as."
}

output "repository" {
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
  description = "Where the trainer's image is pushed."
}
