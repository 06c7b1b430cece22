locals {
  ours     = "monitoring.regex.full_match(\"predict|api|on-upload|on-tick\")"
  requests = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=${local.ours} AND metric.type=\"run.googleapis.com/request_count\""

  alerts = {
    errors = {
      title      = "a function fails"
      filter     = "${local.requests} AND metric.labels.response_code_class=\"5xx\""
      of         = local.requests
      above      = var.alert_errors
      lasting    = "300s"
      aligner    = "ALIGN_RATE"
      reducer    = "REDUCE_SUM"
      by         = ["resource.labels.service_name"]
      what_to_do = "Look at the function's log. After a deployment: `make rollback`."
    }
    latency = {
      title      = "predictions are slow"
      filter     = "resource.type=\"cloud_run_revision\" AND resource.labels.service_name=\"predict\" AND metric.type=\"run.googleapis.com/request_latencies\""
      above      = var.alert_latency_ms
      lasting    = "300s"
      aligner    = "ALIGN_DELTA"
      reducer    = "REDUCE_PERCENTILE_99"
      by         = []
      what_to_do = "Cold starts: raise predict_min_instances. Instances at their limit: raise predict_max_instances."
    }
    failed_run = {
      title      = "a training failed"
      filter     = "resource.type=\"cloud_run_job\" AND resource.labels.job_name=\"${local.job}\" AND metric.type=\"run.googleapis.com/job/completed_execution_count\" AND metric.labels.result=\"failed\""
      above      = 0
      lasting    = "0s"
      aligner    = "ALIGN_DELTA"
      reducer    = "REDUCE_SUM"
      by         = []
      what_to_do = "The run's reason is on the page and in `/api/runs`; the execution's log says the rest. The version in service stays."
    }
    stuck_swap = {
      title      = "the version in service cannot be loaded"
      filter     = "resource.type=\"cloud_run_revision\" AND metric.type=\"logging.googleapis.com/user/${google_logging_metric.stuck_swap.name}\""
      above      = 0
      lasting    = "600s"
      aligner    = "ALIGN_DELTA"
      reducer    = "REDUCE_SUM"
      by         = []
      what_to_do = "`/api/health` says why `desired` is not `serving`. Predictions go on with the version before; roll back to put the pointer there, too."
    }
    dead_letters = {
      title      = "a drop was given up"
      filter     = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=\"${google_pubsub_subscription.dead_letters.name}\" AND metric.type=\"pubsub.googleapis.com/subscription/num_undelivered_messages\""
      above      = 0
      lasting    = "0s"
      aligner    = "ALIGN_MAX"
      reducer    = "REDUCE_SUM"
      by         = []
      what_to_do = "`gcloud pubsub subscriptions pull ocellus-dead-letters` names the objects. They are in the inbox still: copy one onto itself to have it tried again, and acknowledge its message."
    }
    late_drops = {
      title      = "drops wait for an hour"
      filter     = "resource.type=\"pubsub_subscription\" AND resource.labels.subscription_id=starts_with(\"eventarc-\") AND metric.type=\"pubsub.googleapis.com/subscription/oldest_unacked_message_age\""
      above      = 3600
      lasting    = "0s"
      aligner    = "ALIGN_MAX"
      reducer    = "REDUCE_MAX"
      by         = []
      what_to_do = "on-upload's log says why an event is not taken."
    }
  }
}
