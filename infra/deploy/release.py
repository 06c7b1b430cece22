"""The last release that passed its smoke test, kept in Terraform's bucket to roll back to.

`release.json` is written last and names the archive by its hash, so that it always names a whole
release. The model is none of it: the pointer moves by itself, and back by `ocellus rollback`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from console import give_up
from google.api_core.exceptions import NotFound
from google.cloud.storage import Client
from needs import RECORD, RELEASED

_VERSION = re.compile(r"sites/([\w-]+)/versions/(\w+)")


def keep(bucket: Any, build: Path) -> None:
    """Keep what lies in the folder `build` after a deployment: the archive, the trainer's image,
    what Firebase said of the site, and Terraform's outputs.
    """
    archive = (build / "functions.zip").read_bytes()
    name = f"{RELEASED}/functions-{hashlib.sha256(archive).hexdigest()}.zip"
    said = _VERSION.search((build / "hosting.json").read_text())
    record = {
        "archive": name,
        "trainer_image": (build / "trainer_image").read_text().strip(),
        "hosting": f"{said[1]}@{said[2]}" if said else None,
        "outputs": json.loads((build / "outputs.json").read_text()),
    }
    bucket.blob(name).upload_from_string(archive)
    bucket.blob(RECORD).upload_from_string(json.dumps(record, indent=2))
    for blob in bucket.list_blobs(prefix=f"{RELEASED}/"):
        if blob.name not in (name, RECORD):
            blob.delete()


def fetch(bucket: Any, build: Path) -> None:
    """Put the release that was kept where `make plan` and `make rollback` look. Exits if there is
    none.
    """
    try:
        record = json.loads(bucket.blob(RECORD).download_as_bytes())
    except NotFound:
        give_up(
            "There is no release to roll back to: none has passed its smoke test yet.",
            "Mend what failed and run `make deploy` again, or remove everything: make destroy",
        )
    build.mkdir(parents=True, exist_ok=True)
    (build / "functions.zip").write_bytes(bucket.blob(record["archive"]).download_as_bytes())
    (build / "trainer_image").write_text(record["trainer_image"])
    (build / "hosting_version").write_text(record["hosting"] or "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["keep", "fetch"])
    parser.add_argument("--project", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--build", type=Path, default=Path(".build"))
    given = parser.parse_args()
    bucket = Client(given.project).bucket(given.bucket)
    (keep if given.action == "keep" else fetch)(bucket, given.build)


if __name__ == "__main__":
    main()
