# The archives that Cloud Functions builds from.
resource "google_storage_bucket" "source" {
  name                        = "${var.project}-ocellus-source"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  lifecycle {
    # checkov:skip=CKV_GCP_62:access logs cost money while idle; only the builder writes here
    # checkov:skip=CKV_GCP_78:an archive is named by its hash and never overwritten
  }
}

# Named by its hash: the same sources deploy nothing anew.
resource "google_storage_bucket_object" "functions" {
  bucket = google_storage_bucket.source.name
  name   = "functions-${filesha256(var.functions_archive)}.zip"
  source = var.functions_archive
}

# The trainer's data folder: a checkpoint survives the container that wrote it. It is rewritten all
# the time, so that versions of it would cost more than they are worth.
resource "google_storage_bucket" "checkpoints" {
  name                        = "${var.project}-ocellus-checkpoints"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = true

  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = 14
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 1
    }
  }

  lifecycle {
    # checkov:skip=CKV_GCP_62:access logs cost money while idle; only the trainer writes here
    # checkov:skip=CKV_GCP_78:only the last checkpoint is of use
  }
}
