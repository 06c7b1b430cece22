"""Verifying: is a version still what its manifest claims?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ocellus.errors import InvalidManifest, NotFound
from ocellus.manifest import ARTIFACTS, REPLAY, Manifest, blob_name
from ocellus.ports import Blobs
from ocellus.prediction import Classifier
from ocellus.replay import Replay
from ocellus.runtime import SERVED, HeadSession
from ocellus.samples import HOLDOUT
from ocellus.serving import load_manifest

ACCURACY_TOLERANCE = 0.002
"""Replay keeps features in half precision, and processors round differently."""


@dataclass(frozen=True)
class Finding:
    """One claim of the manifest, and what was found."""

    claim: str
    holds: bool
    detail: str


def verify(blobs: Blobs, version: str) -> list[Finding]:
    """Recompute every artifact's hash, the golden outputs and the holdout accuracy.

    Raises: NotFound, InvalidManifest if there is no readable manifest to hold it to.
    """
    manifest = load_manifest(blobs, version)
    findings = [
        _find(f"{name} is unchanged", partial(_hash, blobs, manifest, name)) for name in ARTIFACTS
    ]
    findings.append(_find("golden outputs", partial(_golden, blobs, manifest)))
    findings.append(_find("holdout accuracy", partial(_accuracy, blobs, manifest)))
    return findings


def _find(claim: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(claim, True, check())
    except (InvalidManifest, NotFound) as e:
        return Finding(claim, False, str(e))


def _hash(blobs: Blobs, manifest: Manifest, name: str) -> str:
    manifest.verify(name, blobs.get(blob_name(manifest.version, name)))
    return f"sha256 {manifest.artifacts[name].sha256}"


def _golden(blobs: Blobs, manifest: Manifest) -> str:
    Classifier(manifest, blobs.get(blob_name(manifest.version, SERVED)))
    return f"{SERVED} answers the golden inputs as recorded"


def _accuracy(blobs: Blobs, manifest: Manifest) -> str:
    replay = Replay.from_npz(blobs.get(blob_name(manifest.version, REPLAY)))
    features, truth = replay.part(HOLDOUT)
    claimed = manifest.metrics["holdout"]
    if len(truth) != claimed["images"]:
        raise InvalidManifest(
            f"The replay holds {len(truth)} held-out images; "
            f"the manifest speaks of {claimed['images']}."
        )
    head = HeadSession(blobs.get(blob_name(manifest.version, SERVED)))
    found = float((head.run(features).argmax(axis=1) == truth).mean())
    if abs(found - claimed["accuracy"]) > ACCURACY_TOLERANCE:
        raise InvalidManifest(
            f"{found:.4f} on {len(truth)} held-out images; "
            f"the manifest claims {claimed['accuracy']:.4f}."
        )
    return f"{found:.4f} on {len(truth)} held-out images, claimed {claimed['accuracy']:.4f}"
