# Models, samples and data sets. What is deleted or overwritten can be brought back for some days.
resource "google_storage_bucket" "artifacts" {
  name                        = "${var.project}-ocellus"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.destroy_data

  versioning {
    enabled = true
  }
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      days_since_noncurrent_time = var.deleted_days
      with_state                 = "ARCHIVED"
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  lifecycle {
    # checkov:skip=CKV_GCP_62:access logs cost money while idle; the audit trail says who changed what
  }
}

# Where labelled images are dropped. What is taken leaves it, and is on file in the other bucket
# before: no older versions, no soft deletion, which would keep and charge for each image twice.
resource "google_storage_bucket" "inbox" {
  name                        = "${var.project}-ocellus-inbox"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = var.destroy_data

  dynamic "cors" {
    for_each = jsondecode(file("${path.module}/inbox-cors.json"))
    content {
      origin          = cors.value.origin
      method          = cors.value.method
      response_header = cors.value.responseHeader
      max_age_seconds = cors.value.maxAgeSeconds
    }
  }
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      age = var.inbox_days
    }
  }
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  lifecycle {
    # checkov:skip=CKV_GCP_62:access logs cost money while idle; the audit trail says what became of each drop
    # checkov:skip=CKV_GCP_78:an object that is taken is on file elsewhere; a version of it here would keep it twice
  }
}
