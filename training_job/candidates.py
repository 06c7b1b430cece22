"""Candidates: what every way of training hands to the gate, and what it starts from."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ocellus.errors import BadInput, NotFound
from ocellus.images import decode
from ocellus.manifest import INT8, KERAS, REPLAY, Calibration, Manifest, blob_name
from ocellus.ports import Blobs
from ocellus.prediction import softmax
from ocellus.replay import Replay
from ocellus.samples import HOLDOUT, TRAIN, Sample
from ocellus.serving import load_manifest
from training_job.calibrate import calibrate
from training_job.checkpoint import Curves
from training_job.checks import Agreement, Fresh
from training_job.data import Dataset, key_of
from training_job.evaluate import Classes, Floats, Images, calibration_error, run_artifact
from training_job.network import load_network


@dataclass(frozen=True)
class LoadedVersion:
    """A published version with what retraining needs of it."""

    manifest: Manifest
    int8: bytes
    replay: Replay
    network: keras.Model


@dataclass(frozen=True)
class Served:
    """The serving version's answers on the candidate's holdout: int64 [n], as classes of the
    candidate's labels, and its expected calibration error on the labels that it knows.
    """

    answers: Classes
    calibration_error: float

    @staticmethod
    def of(logits: Floats, truth: Classes, labels: list[str], manifest: Manifest) -> Served:
        """logits: [n, labels of the manifest], of the rows of `truth`, classes of `labels`."""
        names = np.array([labels.index(x) for x in manifest.labels])
        probabilities = softmax(logits, manifest.calibration.temperature)
        answers, known = names[logits.argmax(axis=1)], np.isin(truth, names)
        error = calibration_error(probabilities.max(axis=1)[known], (answers == truth)[known])
        return Served(answers, error)


@dataclass(frozen=True)
class Candidate:
    """A trained and exported network, and its answers on the holdout.

    logits: float32 [n, labels] of the int8 artifact on the holdout, truth: int64 [n].
    serving: the serving version's answers on the same rows, None without one to compare with.
    test: the same as (logits, truth) on the data set's own test images.
    """

    mode: str
    labels: list[str]
    network: keras.Model
    int8: bytes
    float32: bytes
    replay: Replay
    logits: Floats
    truth: Classes
    serving: Served | None
    test: tuple[Floats, Classes] | None
    agreement: Agreement
    recipe: dict[str, Any]
    dataset: dict[str, Any]
    learned: list[str]
    """sha256 of the samples that the parent had not learned."""
    fresh: Fresh | None = None
    curves: Curves = field(default_factory=Curves)
    data: Dataset | None = None
    """What it was trained on, its holdout in the order of `truth`; None of a quick retrain."""

    @cached_property
    def calibration(self) -> Calibration:
        """Fitted on the holdout."""
        return calibrate(self.logits, self.truth)


def load_version(blobs: Blobs, version: str) -> LoadedVersion:
    """Fetch a version and check its hashes. Raises: NotFound, InvalidManifest."""
    manifest = load_manifest(blobs, version)
    files = {
        name: manifest.verify(name, blobs.get(blob_name(version, name)))
        for name in (INT8, KERAS, REPLAY)
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / KERAS
        path.write_bytes(files[KERAS])
        network = load_network(path)
    return LoadedVersion(manifest, files[INT8], Replay.from_npz(files[REPLAY]), network)


def unlearned(samples: list[Sample], version: LoadedVersion) -> list[Sample]:
    """Return the samples that a version has not learned, or learned under another label.

    An image that the version holds out is none of them: the holdout keeps the label that it has,
    whoever uploads the image again.
    """
    replay, labels = version.replay, version.manifest.labels
    learned = set(replay.learned.tolist())
    held_out = set(replay.keys[replay.splits == HOLDOUT].tolist())
    taught = dict(zip(replay.keys.tolist(), replay.classes.tolist(), strict=True))

    def is_new(sample: Sample) -> bool:
        key = key_of(sample.sha256)
        if key in held_out:
            return False
        return key not in learned or (key in taught and labels[taught[key]] != sample.label)

    return [sample for sample in samples if is_new(sample)]


def read_samples(blobs: Blobs, samples: list[Sample], labels: list[str], side: int) -> Dataset:
    """Decode samples from Blobs, as a data set over `labels`; one deleted meanwhile is left out."""
    images, kept = [], []
    for sample in samples:
        try:
            images.append(decode(blobs.get(sample.blob_name), side, side))
        except (NotFound, BadInput):
            continue
        kept.append(sample)
    return Dataset(
        labels,
        np.stack(images) if images else np.empty((0, side, side, 3), np.uint8),
        np.array([labels.index(s.label) for s in kept], np.int64),
        np.array([key_of(s.sha256) for s in kept], np.uint64),
        np.array([TRAIN if s.split == "train" else HOLDOUT for s in kept], np.uint8),
        [],
    )


def extended(labels: list[str], samples: list[Sample], more: list[str] | None = None) -> list[str]:
    """Return `labels` in their order, then the new ones sorted."""
    found = {s.label for s in samples} | set(more or [])
    return labels + sorted(found - set(labels))


def agreement_of(network: keras.Model, int8: bytes, float32: bytes, images: Images) -> Agreement:
    """Compare the artifacts' answers on the images with the network's."""
    expected = network.predict(images.astype(np.float32), batch_size=256, verbose=0).argmax(axis=1)
    shares = [
        float((run_artifact(artifact, images)[0].argmax(axis=1) == expected).mean())
        for artifact in (int8, float32)
    ]
    return Agreement(len(images), *shares)
