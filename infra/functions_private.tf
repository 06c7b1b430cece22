# What Google Cloud alone calls: no request from outside reaches these two. on_upload reads a zip of
# 256 MB whole: two at once fit its memory.
resource "google_cloudfunctions2_function" "on_upload" {
  name        = "on-upload"
  location    = var.region
  description = "Takes each object dropped into the inbox."

  build_config {
    runtime           = local.runtime
    entry_point       = "on_upload"
    service_account   = local.build_account
    docker_repository = local.build_repository
    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.functions.name
      }
    }
  }

  service_config {
    service_account_email            = local.accounts["on-upload"]
    available_cpu                    = "1"
    available_memory                 = "2Gi"
    max_instance_request_concurrency = 2
    min_instance_count               = 0
    max_instance_count               = 10
    timeout_seconds                  = 540
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    environment_variables            = local.environment
  }

  event_trigger {
    trigger_region        = var.region
    event_type            = "google.cloud.storage.object.v1.finalized"
    retry_policy          = "RETRY_POLICY_RETRY"
    service_account_email = local.accounts["events"]
    event_filters {
      attribute = "bucket"
      value     = google_storage_bucket.inbox.name
    }
  }
}

resource "google_cloudfunctions2_function" "on_tick" {
  name        = "on-tick"
  location    = var.region
  description = "Replaces dead trainers, starts due runs, publishes the statistics."

  build_config {
    runtime           = local.runtime
    entry_point       = "on_tick"
    service_account   = local.build_account
    docker_repository = local.build_repository
    source {
      storage_source {
        bucket = google_storage_bucket.source.name
        object = google_storage_bucket_object.functions.name
      }
    }
  }

  service_config {
    service_account_email            = local.accounts["on-tick"]
    available_memory                 = "512Mi"
    max_instance_request_concurrency = 1
    min_instance_count               = 0
    max_instance_count               = 1
    timeout_seconds                  = 120
    ingress_settings                 = "ALLOW_INTERNAL_ONLY"
    environment_variables            = local.environment
  }
}

resource "google_cloud_scheduler_job" "tick" {
  name             = "ocellus-tick"
  region           = var.region
  description      = "Calls on_tick."
  schedule         = var.tick_schedule
  time_zone        = "Etc/UTC"
  attempt_deadline = "120s"

  http_target {
    http_method = "POST"
    uri         = google_cloudfunctions2_function.on_tick.service_config[0].uri
    oidc_token {
      service_account_email = local.accounts["scheduler"]
      audience              = google_cloudfunctions2_function.on_tick.service_config[0].uri
    }
  }
}
