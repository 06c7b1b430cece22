# What is logged when an instance cannot follow the pointer: functions/ocellus/serving.py.
resource "google_logging_metric" "stuck_swap" {
  name        = "ocellus_stuck_swap"
  description = "Tries to follow the pointer that failed, so that the version in use stayed."
  filter      = <<-EOT
    resource.type="cloud_run_revision"
    resource.labels.service_name="${google_cloudfunctions2_function.predict.name}"
    textPayload:"stays on "
  EOT

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"
    unit        = "1"
  }
}

resource "google_monitoring_notification_channel" "email" {
  count = var.alert_email == null ? 0 : 1

  display_name = "Ocellus"
  type         = "email"
  labels       = { email_address = var.alert_email }
}

# Google announced a price for each condition; where nobody is told, none is made.
resource "google_monitoring_alert_policy" "alert" {
  for_each = var.alert_email == null ? {} : local.alerts

  display_name          = "Ocellus: ${each.value.title}"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = google_monitoring_notification_channel.email[*].id

  conditions {
    display_name = each.value.title
    condition_threshold {
      filter             = each.value.filter
      denominator_filter = try(each.value.of, null)
      comparison         = "COMPARISON_GT"
      threshold_value    = each.value.above
      duration           = each.value.lasting

      aggregations {
        alignment_period     = "300s"
        per_series_aligner   = each.value.aligner
        cross_series_reducer = each.value.reducer
        group_by_fields      = each.value.by
      }

      dynamic "denominator_aggregations" {
        for_each = try([each.value.of], [])
        content {
          alignment_period     = "300s"
          per_series_aligner   = each.value.aligner
          cross_series_reducer = each.value.reducer
          group_by_fields      = each.value.by
        }
      }
    }
  }

  alert_strategy {
    auto_close = "86400s"
  }

  documentation {
    content   = each.value.what_to_do
    mime_type = "text/markdown"
  }
}

resource "google_monitoring_dashboard" "ocellus" {
  dashboard_json = file("${path.module}/dashboard.json")
}
