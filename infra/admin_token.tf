resource "google_secret_manager_secret" "admin_token" {
  secret_id = "ocellus-admin-token"

  replication {
    auto {}
  }
}

# Ephemeral and write-only: the token is in Secret Manager and nowhere else, neither in the state nor
# in a plan nor in a shell's history.
ephemeral "random_password" "admin_token" {
  length  = 40
  special = false
}

resource "google_secret_manager_secret_version" "admin_token" {
  secret                 = google_secret_manager_secret.admin_token.id
  secret_data_wo         = ephemeral.random_password.admin_token.result
  secret_data_wo_version = var.admin_token_version

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "api_reads" {
  secret_id = google_secret_manager_secret.admin_token.id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.accounts["api"]}"
}
