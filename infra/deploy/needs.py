"""What a project must have and a person must be allowed, before and after a deployment."""

from __future__ import annotations

SERVICES = (
    "artifactregistry", "billingbudgets", "cloudbuild", "cloudfunctions", "cloudresourcemanager",
    "cloudscheduler", "eventarc", "firebase", "firebasehosting", "firebaserules", "firestore",
    "iam", "iamcredentials", "logging", "monitoring", "pubsub", "run", "secretmanager",
    "serviceusage", "storage",
)  # fmt: skip
"""The APIs, without `.googleapis.com`. infra/foundation enables them."""

FIRST_SERVICES = ("cloudresourcemanager", "serviceusage", "storage")
"""What must be enabled before Terraform can enable the rest and keep its state."""

PERMISSIONS = {
    "artifactregistry.repositories.create": "roles/artifactregistry.admin",
    "cloudbuild.builds.create": "roles/cloudbuild.builds.editor",
    "firebase.projects.update": "roles/firebase.admin",
    "iam.serviceAccounts.actAs": "roles/iam.serviceAccountUser",
    "iam.serviceAccounts.create": "roles/iam.serviceAccountAdmin",
    "resourcemanager.projects.setIamPolicy": "roles/resourcemanager.projectIamAdmin",
    "serviceusage.services.enable": "roles/serviceusage.serviceUsageAdmin",
    "storage.buckets.create": "roles/storage.admin",
}
"""What `make deploy` does as the person who runs it, and the role that allows it. All else is
done by the builder's service account. roles/owner has them all.
"""

RELEASED = "released"
RECORD = f"{RELEASED}/release.json"
"""Where `state_bucket` has the last release that passed its smoke test."""


def state_bucket(project: str) -> str:
    """The bucket of Terraform's state, the sources and logs of builds, and the last release."""
    return f"{project}-ocellus-terraform"


def builder(project: str) -> str:
    """The service account that Cloud Build deploys with."""
    return f"projects/{project}/serviceAccounts/ocellus-builder@{project}.iam.gserviceaccount.com"
