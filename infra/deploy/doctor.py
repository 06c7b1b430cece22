"""Say what a deployment lacks, each with the command that mends it."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from console import Ask, ask
from needs import PERMISSIONS, SERVICES
from rest import Fetch, fetch

TERRAFORM = (1, 11)
_SDK = "https://cloud.google.com/sdk/docs/install"
_CONSOLE = "https://console.firebase.google.com"


@dataclass(frozen=True)
class Lack:
    """What is missing. `make deploy` itself mends what is not `yours`."""

    sentence: str
    remedy: str
    yours: bool = True


def examine(project: str, ask: Ask, fetch: Fetch) -> Iterator[Lack]:
    """Give what is missing, in the order to mend it; what cannot be asked yet is left out."""
    yield from _terraform(ask)
    if not ask("gcloud", "--version").ok:
        yield Lack("The Google Cloud CLI, gcloud, is not installed.", f"Install it: {_SDK}")
        return
    account = ask("gcloud", "auth", "list", "--filter=status:ACTIVE", "--format=value(account)").out
    token = ask("gcloud", "auth", "print-access-token").out
    if not account or not token:
        yield Lack("Nobody is logged in to gcloud, or the login has expired.", "gcloud auth login")
        return
    if not project:
        yield Lack(
            "No project is named.",
            "make doctor PROJECT=…   (`gcloud projects list` shows yours,"
            " `gcloud projects create NAME` makes one)",
        )
        return
    found = ask("gcloud", "projects", "describe", project, "--format=value(lifecycleState)")
    if found.out != "ACTIVE":
        yield Lack(
            f"{account} finds no project {project} in service: {found.complaint or found.out}.",
            f"gcloud projects create {project}   (or log in as who may see it)",
        )
        return
    yield from _billing(project, ask)
    yield from _roles(project, account, token, fetch)
    yield from _services(project, ask)
    firebase = f"https://firebase.googleapis.com/v1beta1/projects/{project}"
    if fetch(firebase, token, payer=project) is None:
        yield Lack(
            f"{project} is no Firebase project yet. `make deploy` makes it one; Google asks"
            f" once whether {account} accepts Firebase's terms.",
            f"Open {_CONSOLE} as {account}, and accept them where asked.",
            yours=False,
        )


def _terraform(ask: Ask) -> Iterator[Lack]:
    remedy = (
        "sh infra/deploy/install_terraform.sh   (Linux x86-64; else "
        "https://developer.hashicorp.com/terraform/install)"
    )
    version = re.search(r"v(\d+)\.(\d+)", ask("terraform", "version").out)
    if version is None:
        yield Lack("Terraform is not installed.", remedy)
    elif (int(version[1]), int(version[2])) < TERRAFORM:
        least = ".".join(map(str, TERRAFORM))
        yield Lack(f"Terraform is {version[1]}.{version[2]}; {least} or later is needed.", remedy)


def _billing(project: str, ask: Ask) -> Iterator[Lack]:
    command = ["gcloud", "billing", "projects", "describe", project]
    asked = ask(*command, "--format=value(billingEnabled)")
    if asked.out == "True":
        return
    why = f" (asked, Google said: {asked.complaint})" if not asked.ok else ""
    yield Lack(
        f"{project} has no billing account{why}.",
        f"gcloud billing projects link {project} --billing-account=ID"
        "   (`gcloud billing accounts list` shows the ids)",
    )


def _roles(project: str, account: str, token: str, fetch: Fetch) -> Iterator[Lack]:
    url = f"https://cloudresourcemanager.googleapis.com/v1/projects/{project}:testIamPermissions"
    answer = fetch(url, token, body={"permissions": sorted(PERMISSIONS)})
    if answer is None:
        yield Lack(
            f"Google did not say what {account} may do in {project}.",
            "Try again, and see that https://cloudresourcemanager.googleapis.com can be reached.",
        )
        return
    kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
    for permission in sorted(PERMISSIONS.keys() - set(answer.get("permissions", []))):
        yield Lack(
            f"{account} may not {permission} in {project}.",
            f"gcloud projects add-iam-policy-binding {project} --member={kind}:{account}"
            f" --role={PERMISSIONS[permission]}   (an owner of {project} must do it)",
        )


def _services(project: str, ask: Ask) -> Iterator[Lack]:
    listed = ask(
        "gcloud", "services", "list", f"--project={project}", "--format=value(config.name)"
    )
    enabled = {name.removesuffix(".googleapis.com") for name in listed.out.split()}
    if missing := sorted(set(SERVICES) - enabled):
        names = " ".join(f"{name}.googleapis.com" for name in missing)
        yield Lack(
            f"{len(missing)} APIs are not enabled in {project}; `make deploy` enables them.",
            f"gcloud services enable {names} --project={project}",
            yours=False,
        )


def report(lacks: list[Lack]) -> None:
    """Print each lack with its remedy."""
    for lack in lacks:
        print(f"- {lack.sentence}\n    {lack.remedy}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--project", default="")
    project: str = parser.parse_args().project
    if not (lacks := list(examine(project, ask, fetch))):
        print(f"Nothing is missing: make deploy PROJECT={project}")
        return 0
    report(lacks)
    if not any(lack.yours for lack in lacks):
        print(f"The rest `make deploy PROJECT={project}` does itself.")
    else:
        print("Mend them in this order, then run `make doctor` again: there may be more.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
