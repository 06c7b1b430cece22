# Where an event goes that never succeeds. What cannot be used is recorded by on_upload itself and
# counts as success; an event that kills the process, or comes while everything is down, is not.
resource "google_pubsub_topic" "dead_letters" {
  name = "ocellus-dead-letters"

  lifecycle {
    # checkov:skip=CKV_GCP_83:Google's own keys encrypt it; a key of one's own costs money while idle, and events hold names only
  }
}

# Kept for a month, the longest there is.
resource "google_pubsub_subscription" "dead_letters" {
  name                       = "ocellus-dead-letters"
  topic                      = google_pubsub_topic.dead_letters.id
  message_retention_duration = "2678400s"
  expiration_policy {
    ttl = ""
  }
}

locals {
  pubsub_agent = "serviceAccount:service-${google_storage_bucket.inbox.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}

resource "google_pubsub_topic_iam_member" "dead_letters" {
  topic  = google_pubsub_topic.dead_letters.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

# Eventarc makes the subscription that carries the events, and no resource can name dead letters for
# it: Google's way is to update it. Without, events that fail for a day would be gone silently.
# Source: https://cloud.google.com/eventarc/docs/retry-events#dead-letter
resource "terraform_data" "dead_letters" {
  triggers_replace = [
    google_cloudfunctions2_function.on_upload.event_trigger[0].trigger,
    google_pubsub_topic.dead_letters.id,
    var.upload_attempts,
  ]

  provisioner "local-exec" {
    environment = {
      TRIGGER  = google_cloudfunctions2_function.on_upload.event_trigger[0].trigger
      TOPIC    = google_pubsub_topic.dead_letters.id
      ATTEMPTS = var.upload_attempts
      AGENT    = local.pubsub_agent
    }
    command = <<-EOT
      set -eu
      subscription=$(gcloud eventarc triggers describe "$TRIGGER" --format='value(transport.pubsub.subscription)')
      gcloud pubsub subscriptions add-iam-policy-binding "$subscription" --member="$AGENT" --role=roles/pubsub.subscriber --format=none
      gcloud pubsub subscriptions update "$subscription" --dead-letter-topic="$TOPIC" --max-delivery-attempts="$ATTEMPTS"
    EOT
  }

  depends_on = [google_pubsub_topic_iam_member.dead_letters]
}
