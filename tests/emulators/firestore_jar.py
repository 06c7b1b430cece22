"""Finding the Firestore emulator: named, installed, or downloaded once into the user's cache.

As a program it makes sure that everything is there and prints where.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import StoreUnavailable
from training_job.download import download

_JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_SDK_ROOTS = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-sdk/current",
)


class EmulatorMissing(Exception):
    """The emulator or Java is not on this machine; the message says what to do."""


@dataclass(frozen=True)
class Release:
    """A jar that can be downloaded, and what it must be."""

    url: str
    sha256: str


# 64 MB. Later ones want Java 21.
# Source: firebase-tools 14.27.0, lib/emulator/downloadableEmulatorInfo.json
RELEASE = Release(
    "https://storage.googleapis.com/firebase-preview-drop/emulator/"
    "cloud-firestore-emulator-v1.19.8.jar",
    "9d43599ed6151199e8d604dc87fac51218e49e5f3a48519b1ae560bbe5e3382d",
)


def find_java(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the `java` on the path. Raises: EmulatorMissing."""
    if java := shutil.which("java", path=environ.get("PATH")):
        return Path(java)
    raise EmulatorMissing(
        "The Firestore emulator needs Java 11 or later: install it (Debian, Ubuntu:"
        " `apt-get install default-jre-headless`)."
    )


def find_jar(environ: Mapping[str, str] = os.environ, release: Release = RELEASE) -> Path:
    """Return the emulator's jar: FIRESTORE_EMULATOR_JAR, else the installed Google Cloud SDK's,
    else `release` out of the user's cache, where it is downloaded to if need be.

    Raises: EmulatorMissing.
    """
    if named := environ.get("FIRESTORE_EMULATOR_JAR"):
        if not Path(named).is_file():
            raise EmulatorMissing(f"FIRESTORE_EMULATOR_JAR is {named}, where no file is.")
        return Path(named)
    roots = [Path(root).expanduser() for root in _SDK_ROOTS]
    if gcloud := shutil.which("gcloud", path=environ.get("PATH")):
        roots.insert(0, Path(gcloud).resolve().parents[1])
    for root in roots:
        if (root / _JAR).is_file():
            return root / _JAR
    cache = Path(environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ocellus"
    jar = cache / release.url.rpartition("/")[2]
    try:
        download(release.url, release.sha256, jar, _say)
    except (StoreUnavailable, OSError) as e:
        fault = e.detail if isinstance(e, StoreUnavailable) else f"{jar} cannot be written: {e}."
        raise EmulatorMissing(
            f"The Firestore emulator is missing, and {fault} Run `gcloud components install"
            " cloud-firestore-emulator` or `apt-get install google-cloud-cli-firestore-emulator`,"
            " or set FIRESTORE_EMULATOR_JAR to its jar."
        ) from e
    return jar


def _say(progress: str) -> None:
    print(f"Downloading the Firestore emulator: {progress}", file=sys.stderr, flush=True)


def main() -> int:
    """Return 0 if the emulator can run, or may be missing."""
    try:
        java, jar = find_java(), find_jar()
    except EmulatorMissing as e:
        print(f"{e} Or leave its tests out with ALLOW_MISSING_SERVICES=1.", file=sys.stderr)
        return 0 if os.environ.get("ALLOW_MISSING_SERVICES") == "1" else 1
    print(f"The Firestore emulator is {jar}, run by {java}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
