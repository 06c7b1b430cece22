"""Evaluating a version on the held-out samples that users brought."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ocellus.errors import NotFound
from ocellus.ports import Blobs, State
from ocellus.serving import load_classifier, load_manifest

MAX_SAMPLES = 2000


def evaluate(blobs: Blobs, state: State, version: str) -> dict[str, Any]:
    """Predict the newest held-out samples (at most 2,000) with the version's int8 artifact.

    Returns the accuracy and recall per label on them (None and empty when there are none), and
    beside it what the manifest recorded at training. Raises: NotFound, InvalidManifest.
    """
    manifest = load_manifest(blobs, version)
    classifier = load_classifier(blobs, version)
    held_out = [s for s in state.samples() if s.split == "holdout" and s.set_aside_by is None]
    seen: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for sample in held_out[-MAX_SAMPLES:]:
        try:
            answer = classifier.classify(blobs.get(sample.blob_name))
        except NotFound:
            continue  # deleted meanwhile
        seen[sample.label] += 1
        right[sample.label] += answer.label == sample.label
    count = seen.total()
    return {
        "version": version,
        "samples": count,
        "accuracy": right.total() / count if count else None,
        "recall": {label: right[label] / n for label, n in sorted(seen.items())},
        "recorded": manifest.metrics,
    }
