locals {
  # Who may start the trainer, and stop it, which takes listing its executions: no one else, and
  # none of them may change the job, its image or its account.
  starters = ["api", "on-upload", "on-tick"]
  starting = ["roles/run.jobsExecutorWithOverrides", "roles/run.viewer"]
}

resource "google_cloud_run_v2_job_iam_member" "starter" {
  for_each = { for pair in setproduct(local.starters, local.starting) : "${pair[0]} ${pair[1]}" => pair }

  location = var.region
  name     = google_cloud_run_v2_job.trainer.name
  role     = each.value[1]
  member   = "serviceAccount:${local.accounts[each.value[0]]}"
}
