"""The last release that passed its smoke test, kept in Terraform's bucket to roll back to.

The record is written last and holds the archive's hash. The model is none of it: the pointer stays
where it is, and `ocellus rollback` moves it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path

from console import ask, do, give_up
from needs import RECORD, RELEASED, state_bucket
from rest import fetch

_AGAIN = "See that you may write there, and run it again."
_REDEPLOY = "Mend what failed and run `make deploy` again, or remove everything: make destroy"


def keep(project: str, build: Path) -> None:
    """Keep what a deployment left in the folder `build`: the archive, the trainer's image, what
    Firebase said of the site, and Terraform's outputs.
    """
    archive = build / "functions.zip"
    site = re.search(r"sites/[\w-]+/versions/\w+", (build / "hosting.json").read_text())
    record = {
        "archive_sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
        "trainer_image": (build / "trainer_image").read_text().strip(),
        "site": site[0] if site else None,
        "outputs": json.loads((build / "outputs.json").read_text()),
    }
    (build / "release.json").write_text(json.dumps(record, indent=2))
    bucket = f"gs://{state_bucket(project)}"
    do(["gcloud", "storage", "cp", str(archive), f"{bucket}/{RELEASED}/functions.zip"], _AGAIN)
    do(["gcloud", "storage", "cp", str(build / "release.json"), f"{bucket}/{RECORD}"], _AGAIN)


def bring_back(project: str, build: Path) -> None:
    """Put the archive and the image's name of the release that was kept where `make plan` looks,
    and its site in service. Exits with what to do if there is none.
    """
    bucket = f"gs://{state_bucket(project)}"
    kept = ask("gcloud", "storage", "cat", f"{bucket}/{RECORD}")
    if not kept.ok:
        give_up("There is nothing to roll back to: no release has passed its test yet.", _REDEPLOY)
    record = json.loads(kept.out)
    archive = build / "functions.zip"
    do(["gcloud", "storage", "cp", f"{bucket}/{RELEASED}/functions.zip", str(archive)], _AGAIN)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != record["archive_sha256"]:
        give_up("The archive that was kept is not the one of the last good release.", _REDEPLOY)
    (build / "trainer_image").write_text(record["trainer_image"])
    if record["site"]:
        _serve_site(project, record["site"])


def _serve_site(project: str, version: str) -> None:
    site = version.partition("/versions/")[0]
    url = f"https://firebasehosting.googleapis.com/v1beta1/{site}/releases?versionName={version}"
    token = ask("gcloud", "auth", "print-access-token").out
    if fetch(url, token, body={"message": "rolled back"}, payer=project) is None:
        give_up(
            f"Firebase Hosting did not take {version} back.",
            f"Do it by hand: https://console.firebase.google.com/project/{project}/hosting",
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["keep", "bring-back"])
    parser.add_argument("--project", required=True)
    given = parser.parse_args()
    (keep if given.action == "keep" else bring_back)(given.project, Path(".build"))


if __name__ == "__main__":
    main()
