resource "google_monitoring_notification_channel" "budget" {
  count = var.alert_email == null ? 0 : 1

  project      = var.project
  display_name = "Ocellus budget"
  type         = "email"
  labels       = { email_address = var.alert_email }

  depends_on = [google_project_service.used]
}

data "google_project" "this" {
  project_id = var.project
}

# Only who administers the billing account may make it, which a builder must not be.
resource "google_billing_budget" "month" {
  count = var.billing_account == null ? 0 : 1

  billing_account = var.billing_account
  display_name    = "Ocellus in ${var.project}"

  budget_filter {
    projects        = ["projects/${data.google_project.this.number}"]
    calendar_period = "MONTH"
  }

  amount {
    specified_amount {
      units = tostring(var.budget)
    }
  }

  threshold_rules {
    threshold_percent = 0.5
  }
  threshold_rules {
    threshold_percent = 1.0
  }
  threshold_rules {
    threshold_percent = 1.0
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = google_monitoring_notification_channel.budget[*].id
    enable_project_level_recipients  = true
  }

  depends_on = [google_project_service.used]
}
