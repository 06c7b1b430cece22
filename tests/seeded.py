"""A service on the emulators, without any function yet."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.publishing import install_seed


def seeded(project: str, bucket: str, seed: Path) -> dict[str, str]:
    """Put the seed in service and return the settings of functions beside the emulators'
    addresses, which are in this process's environment. No job can be started.
    """
    with closing(FirestoreState(project)) as state:
        install_seed(StorageBlobs(bucket), state, seed, time.time())
    return {
        "OCELLUS_BACKEND": "gcp",
        "OCELLUS_BUCKET": bucket,
        "OCELLUS_INBOX_BUCKET": f"{bucket}-inbox",
        "OCELLUS_REGION": "europe-west1",
        "OCELLUS_PROJECT": project,
        "OCELLUS_RUN_API": "http://127.0.0.1:9/v2",
        "OCELLUS_SEED_DIR": str(seed),
    }
