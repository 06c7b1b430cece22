"""Deploy to a Google Cloud project; a deployment that was interrupted goes on when run again.

This machine makes only what a build needs: the bucket of Terraform's state, and infra/foundation.
Cloud Build does the rest by cloudbuild.yaml, as a service account that has no key.
"""

from __future__ import annotations

import argparse
import json
from typing import Any

from console import ask, do, give_up
from doctor import examine, report
from needs import FIRST_SERVICES, RECORD, builder, state_bucket
from rest import fetch
from terraform import terraform

AGAIN = "Mend what it says and run `make deploy` again: it goes on where it stopped."


def deploy(project: str, region: str, revision: str) -> None:
    """Deploy, showing the progress, and print the links. Exits with what to do if a step fails."""
    _step(1, "Is everything there?")
    lacks = [lack for lack in examine(project, ask, fetch) if lack.yours]
    if lacks:
        report(lacks)
        give_up("Nothing was deployed.", "Mend the above and run `make deploy` again.")
    _step(2, f"Terraform's state in gs://{state_bucket(project)}")
    _make_state_bucket(project, region)
    _step(3, "What a build needs: infra/foundation")
    given = [f"-var=project={project}", f"-var=region={region}"]
    terraform("infra/foundation", "foundation", project, "apply", "-auto-approve", *given)
    _step(4, "Cloud Build: check, test, image, archive, plan, apply, seed, hosting, smoke test")
    _build(project, revision)
    _step(5, "Live")
    print(links(project, _outputs(project)))


def _step(number: int, title: str) -> None:
    print(f"\n[{number}/5] {title}", flush=True)


def _make_state_bucket(project: str, region: str) -> None:
    services = [f"{name}.googleapis.com" for name in FIRST_SERVICES]
    do(["gcloud", "services", "enable", *services, f"--project={project}"], AGAIN)
    bucket = f"gs://{state_bucket(project)}"
    if not ask("gcloud", "storage", "buckets", "describe", bucket, f"--project={project}").ok:
        create = ["gcloud", "storage", "buckets", "create", bucket, f"--project={project}"]
        closed = ["--uniform-bucket-level-access", "--public-access-prevention"]
        do([*create, f"--location={region}", *closed], AGAIN)
    lifecycle = "--lifecycle-file=infra/deploy/state-lifecycle.json"
    do(["gcloud", "storage", "buckets", "update", bucket, "--versioning", lifecycle], AGAIN)


def _build(project: str, revision: str) -> None:
    bucket = f"gs://{state_bucket(project)}"
    do(
        ["gcloud", "builds", "submit", ".", f"--project={project}", "--config=cloudbuild.yaml",
         f"--service-account={builder(project)}", f"--substitutions=_REVISION={revision}",
         f"--gcs-source-staging-dir={bucket}/source", f"--gcs-log-dir={bucket}/logs"],
        "The log above names the step. What was live before is live again, if anything was. "
        "Interrupted here, the build goes on: gcloud builds list --ongoing "
        f"--project={project}. " + AGAIN,
    )  # fmt: skip


def _outputs(project: str) -> dict[str, str]:
    kept = ask("gcloud", "storage", "cat", f"gs://{state_bucket(project)}/{RECORD}")
    if not kept.ok:
        give_up(f"The release cannot be read: {kept.complaint}", AGAIN)
    outputs: dict[str, Any] = json.loads(kept.out)["outputs"]
    return {name: str(output["value"]) for name, output in outputs.items()}


def links(project: str, outputs: dict[str, str]) -> str:
    """Return where everything is, and the next commands."""
    console = "https://console.cloud.google.com"
    return f"""\
  The page      {outputs["page_url"]}
  Predict       curl --data-binary @photo.jpg {outputs["page_url"]}/api/predict
  Admin token   gcloud secrets versions access latest --secret={outputs["admin_token_secret"]} \
--project={project}
  Teach it      gcloud storage cp -r zebra gs://{outputs["inbox_bucket"]}/
  Dashboard     {outputs["dashboard_url"]}
  Builds        {console}/cloud-build/builds?project={project}
  Remove it     make destroy PROJECT={project}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--revision", required=True, help="the commit, for the manifests")
    given = parser.parse_args()
    deploy(given.project, given.region, given.revision)


if __name__ == "__main__":
    main()
