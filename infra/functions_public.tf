# What visitors reach, by Firebase Hosting's rewrites. The functions framework sees by itself that
# their functions are asynchronous, and runs a worker for each of WORKERS.
#
# The resource knows no startup probe and no CPU boost. Cloud Run's own probe, a connection to the
# port, holds back requests until the worker listens, and the first one loads the model. A boost that
# `gcloud run services update predict --cpu-boost` sets lasts until the next change by Terraform.
resource "google_cloudfunctions2_function" "predict" {
  name        = "predict"
  location    = var.region
  description = "Predicts, and says how the service is."

  build_config {
    runtime           = local.runtime
    entry_point       = "predict"
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
    service_account_email            = local.accounts["predict"]
    available_cpu                    = tostring(var.predict_cpu)
    available_memory                 = var.predict_memory
    max_instance_request_concurrency = var.predict_concurrency
    min_instance_count               = var.predict_min_instances
    max_instance_count               = var.predict_max_instances
    timeout_seconds                  = var.predict_timeout_s
    ingress_settings                 = "ALLOW_ALL"

    environment_variables = merge(local.environment, {
      WORKERS               = tostring(var.predict_cpu)
      OCELLUS_MAX_REQUESTS  = tostring(var.max_requests)
      OCELLUS_MAX_BODIES_MB = tostring(var.max_bodies_mb)
      OCELLUS_CLIENT_RATE   = tostring(var.client_rate)
      OCELLUS_PROXIES       = tostring(var.proxies)
      OCELLUS_UPLOAD_S      = tostring(var.upload_s)
    })
  }

  lifecycle {
    # checkov:skip=CKV_GCP_124:the public is who it is for
  }
}

# It depends on leave to read the token, which an instance does as it starts.
resource "google_cloudfunctions2_function" "api" {
  name        = "api"
  location    = var.region
  description = "Everything else under /api; what changes something needs the admin token."

  build_config {
    runtime           = local.runtime
    entry_point       = "api"
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
    service_account_email            = local.accounts["api"]
    available_cpu                    = "1"
    available_memory                 = "1Gi"
    max_instance_request_concurrency = 20
    min_instance_count               = 0
    max_instance_count               = 5
    timeout_seconds                  = 300
    ingress_settings                 = "ALLOW_ALL"
    environment_variables            = local.environment

    secret_environment_variables {
      key        = "OCELLUS_ADMIN_TOKEN"
      project_id = var.project
      secret     = google_secret_manager_secret.admin_token.secret_id
      version    = google_secret_manager_secret_version.admin_token.version
    }
  }

  depends_on = [google_secret_manager_secret_iam_member.api_reads]

  lifecycle {
    # checkov:skip=CKV_GCP_124:the public is who it is for; the token guards what changes something
  }
}
