"""Remove a deployment, its models, samples and history with it, and say what stays.

Run again after a failure, it goes on: what is gone already is nothing to Terraform.
"""

from __future__ import annotations

import argparse

from console import ask, do, give_up
from needs import state_bucket
from rest import fetch
from terraform import login, terraform

GUARDED = (
    "google_firestore_database.default",
    "google_storage_bucket.artifacts",
    "google_storage_bucket.inbox",
)
"""What `terraform destroy` refuses to take by itself: all that `destroy_data` is said of."""

STAYS = """\
What stays in {project} costs nothing, or a cent:
- the APIs that were enabled, and the project's being a Firebase project with a site, now empty
- the bucket gcf-v2-sources-… that Cloud Functions made, with the archives it built from
- Google's logs of builds and functions, until they expire
Not even that: gcloud projects delete {project}"""


def destroy(project: str, region: str, sure: bool) -> None:
    """Ask once unless `sure`, then remove everything that `make deploy` made."""
    if not sure:
        _confirm(project)
    print("\n[1/3] What runs, and the buckets with all that is in them", flush=True)
    given = [f"-var=project={project}", f"-var=region={region}"]
    image = f"{region}-docker.pkg.dev/{project}/ocellus/trainer@sha256:{'0' * 64}"
    everything = [
        *given, "-var=functions_archive=../.build/functions.zip", f"-var=trainer_image={image}",
        "-var=destroy_data=true",
    ]  # fmt: skip
    bucket = f"gs://{state_bucket(project)}"
    login(project)
    if ask("gcloud", "storage", "buckets", "describe", bucket, f"--project={project}").ok:
        # Terraform empties a bucket, and removes a protected database, only if that was allowed
        # when it was last applied.
        allow = [f"-target={resource}" for resource in GUARDED]
        terraform("infra", "ocellus", project, "apply", "-auto-approve", *allow, *everything)
        terraform("infra", "ocellus", project, "destroy", "-auto-approve", *everything)
        print("\n[2/3] The site, the images, the accounts", flush=True)
        _disable_site(project)
        terraform("infra/foundation", "foundation", project, "destroy", "-auto-approve", *given)
        print("\n[3/3] Terraform's state", flush=True)
        remedy = "Run `make destroy` again."
        do(["gcloud", "storage", "rm", "--recursive", bucket, f"--project={project}"], remedy)
    else:
        print(f"Terraform's state, {bucket}, is not there: nothing else is, or never was.")
    print("\n" + STAYS.format(project=project))


def _confirm(project: str) -> None:
    print(f"This removes Ocellus from {project}: every model, sample and statistic, for ever.")
    try:
        typed = input(f"Type the project's name, {project}, to go on: ")
    except EOFError:
        typed = ""
    if typed.strip() != project:
        give_up("Nothing was removed.", f"Type {project}, or say YES=1 where nobody can type.")


def _disable_site(project: str) -> None:
    """Take the page off the default site, which cannot be deleted."""
    url = f"https://firebasehosting.googleapis.com/v1beta1/sites/{project}/releases"
    token = login(project)["GOOGLE_OAUTH_ACCESS_TOKEN"]
    if fetch(url, token, body={"type": "SITE_DISABLE"}, payer=project) is None:
        print(f"The page could not be taken off: npx firebase-tools hosting:disable -P {project}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--project", required=True)
    parser.add_argument("--region", required=True)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    given = parser.parse_args()
    destroy(given.project, given.region, given.yes)


if __name__ == "__main__":
    main()
