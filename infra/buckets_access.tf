locals {
  # Who may do what to which bucket. objectUser may read, write, list and delete objects, and nothing
  # about the bucket. api makes signed uploads in its own name; on-upload takes what they brought.
  bucket_access = {
    predict-artifacts   = { role = "roles/storage.objectViewer", bucket = google_storage_bucket.artifacts.name }
    api-artifacts       = { role = "roles/storage.objectUser", bucket = google_storage_bucket.artifacts.name }
    api-inbox           = { role = "roles/storage.objectUser", bucket = google_storage_bucket.inbox.name }
    on-upload-artifacts = { role = "roles/storage.objectUser", bucket = google_storage_bucket.artifacts.name }
    on-upload-inbox     = { role = "roles/storage.objectUser", bucket = google_storage_bucket.inbox.name }
    trainer-artifacts   = { role = "roles/storage.objectUser", bucket = google_storage_bucket.artifacts.name }
    trainer-checkpoints = { role = "roles/storage.objectUser", bucket = google_storage_bucket.checkpoints.name }
  }
}

resource "google_storage_bucket_iam_member" "access" {
  for_each = local.bucket_access

  bucket = each.value.bucket
  role   = each.value.role
  member = "serviceAccount:${local.accounts[replace(each.key, "/-(artifacts|inbox|checkpoints)$/", "")]}"
}
