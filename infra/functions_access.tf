locals {
  # The version that the tests run on; its support ends in April 2028.
  runtime          = "python311"
  build_account    = "projects/${var.project}/serviceAccounts/${local.accounts["builder"]}"
  build_repository = "projects/${var.project}/locations/${var.region}/repositories/ocellus"

  # Who may call which function; a function is a Cloud Run service of the same name.
  callers = {
    (google_cloudfunctions2_function.predict.name)   = "allUsers"
    (google_cloudfunctions2_function.api.name)       = "allUsers"
    (google_cloudfunctions2_function.on_upload.name) = "serviceAccount:${local.accounts["events"]}"
    (google_cloudfunctions2_function.on_tick.name)   = "serviceAccount:${local.accounts["scheduler"]}"
  }
}

resource "google_cloud_run_v2_service_iam_member" "caller" {
  for_each = local.callers

  location = var.region
  name     = each.key
  role     = "roles/run.invoker"
  member   = each.value

  lifecycle {
    # checkov:skip=CKV_GCP_102:predict and api are public; the other two have one caller each
  }
}
