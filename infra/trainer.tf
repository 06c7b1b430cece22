locals {
  data_dir = "/data"
}

# One execution a run, its arguments `--run r7` given by who starts it. It depends on leave to use the
# bucket that is mounted as it starts.
resource "google_cloud_run_v2_job" "trainer" {
  name                = local.job
  location            = var.region
  deletion_protection = false

  template {
    template {
      service_account = local.accounts["trainer"]
      timeout         = "${var.trainer_timeout_s}s"
      max_retries     = var.trainer_retries

      gpu_zonal_redundancy_disabled = var.trainer_gpu == null ? null : true

      containers {
        image = var.trainer_image

        resources {
          limits = merge(
            { cpu = tostring(var.trainer_cpu), memory = var.trainer_memory },
            var.trainer_gpu == null ? {} : { "nvidia.com/gpu" = "1" },
          )
        }

        dynamic "env" {
          for_each = merge(
            local.environment,
            { OCELLUS_DATA_DIR = local.data_dir },
            { for name, value in var.gate : "OCELLUS_GATE_${upper(name)}" => tostring(value) },
          )
          content {
            name  = env.key
            value = env.value
          }
        }

        volume_mounts {
          name       = "checkpoints"
          mount_path = local.data_dir
        }
      }

      volumes {
        name = "checkpoints"
        gcs {
          bucket    = google_storage_bucket.checkpoints.name
          read_only = false
        }
      }

      dynamic "node_selector" {
        for_each = var.trainer_gpu == null ? [] : [var.trainer_gpu]
        content {
          accelerator = node_selector.value
        }
      }
    }
  }

  depends_on = [google_storage_bucket_iam_member.access]

  lifecycle {
    ignore_changes = [client, client_version, launch_stage]
  }
}

# A mounted bucket belongs to root, and the trainer does not run as root. Provider 6 knows no mount
# options of a job, so that gcloud sets them after each change to it. That gcloud was the last to touch
# it is ignored above: to set that right would undo the options.
# Source: https://cloud.google.com/run/docs/configuring/jobs/cloud-storage-volume-mounts#volume-mount-options
resource "terraform_data" "checkpoints_writable" {
  triggers_replace = [sha256(jsonencode(google_cloud_run_v2_job.trainer.template))]

  provisioner "local-exec" {
    environment = {
      JOB     = local.job
      PROJECT = var.project
      REGION  = var.region
      BUCKET  = google_storage_bucket.checkpoints.name
    }
    command = <<-EOT
      gcloud run jobs update "$JOB" --project="$PROJECT" --region="$REGION" \
        --add-volume="name=checkpoints,type=cloud-storage,bucket=$BUCKET,mount-options=file-mode=666;dir-mode=777"
    EOT
  }
}
