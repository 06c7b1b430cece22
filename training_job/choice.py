"""How to retrain: quickly or fully, and why."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from ocellus.ports import Blobs
from ocellus.runs import Mode
from ocellus.samples import Sample
from training_job.candidates import LoadedVersion, read_samples, unlearned
from training_job.evaluate import run_artifact
from training_job.gate import Verdict

FULL_SHARE = 0.25
"""New samples that are this large a share of the training data are many."""
DRIFT = 0.2
ALPHA_DRIFT = 0.001
"""The new samples have drifted if the version in service is right on fewer of them than on its
holdout, by so much and beyond chance: features that do not tell them apart cannot be replayed."""
_LOOKED_AT = 300


def choose(
    asked: Mode, samples: list[Sample], serving: LoadedVersion, blobs: Blobs
) -> tuple[Mode, str]:
    """Return QUICK or FULL, and why in words."""
    if asked is not Mode.AUTO:
        return asked, f"{asked} retrain, as asked"
    new = unlearned(samples, serving)
    trained_on = int(serving.manifest.dataset["counts"]["train"])
    beside = f"{len(new)} new samples beside {trained_on} training images"
    reason = "many" if len(new) >= FULL_SHARE * trained_on else _drift(new, serving, blobs)
    if not reason:
        return Mode.QUICK, f"quick retrain: {beside}"
    why = beside if reason == "many" else f"{beside}, {reason}"
    if not at_hand(serving, blobs):
        return Mode.QUICK, f"quick retrain: {why}, but the data set is not at hand"
    return Mode.FULL, f"full retrain: {why}"


def full_instead(asked: Mode, verdict: Verdict, serving: LoadedVersion, blobs: Blobs) -> str | None:
    """Return why a full retrain follows a quick one, None if it does not.

    Wrong labels are as wrong for a full retrain.
    """
    wrong = any(check.name == "labels" and not check.passed for check in verdict.checks)
    if asked is not Mode.AUTO or verdict.promoted or wrong or not at_hand(serving, blobs):
        return None
    return f"full retrain: the quick candidate was {verdict.sentence}"


def at_hand(serving: LoadedVersion, blobs: Blobs) -> bool:
    """Tell whether the data set that a version was trained on is in Blobs."""
    return blobs.exists(serving.manifest.dataset["source"])


def _drift(new: list[Sample], serving: LoadedVersion, blobs: Blobs) -> str:
    """Return in words how far the new samples of known labels have drifted, or nothing."""
    manifest = serving.manifest
    known = [s for s in new if s.label in manifest.labels]
    newest = sorted(known, key=lambda s: s.filed_at)[-_LOOKED_AT:]
    data = read_samples(blobs, newest, manifest.labels, manifest.input.width)
    if not len(data.images):
        return ""
    right = run_artifact(serving.int8, data.images)[0].argmax(axis=1) == data.classes
    expected = float(manifest.metrics["holdout"]["accuracy"])
    n, found = len(right), float(np.mean(right))
    if found > expected - DRIFT or binom.cdf(right.sum(), n, expected) > ALPHA_DRIFT:
        return ""
    return (
        f"of which {manifest.version} is right on {100 * found:.0f} % "
        f"({100 * expected:.0f} % on its holdout)"
    )
