"""Prediction: one image's bytes to labels with probabilities."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocellus.errors import InvalidManifest
from ocellus.images import decode
from ocellus.manifest import Manifest, golden_inputs
from ocellus.runtime import SERVED, SessionPool

GOLDEN_TOLERANCE = 0.05
"""Most that a golden probability may differ between the machine that trained and this one."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one image. `probabilities` are sorted, highest first. `none_of_these`: the
    image is like none that the version was trained on.
    """

    version: str
    label: str
    probability: float
    unsure: bool
    none_of_these: bool
    probabilities: list[tuple[str, float]]
    decode_ms: float
    inference_ms: float


def softmax(logits: npt.NDArray[np.floating], temperature: float) -> npt.NDArray[np.float64]:
    """Logits [..., classes] to probabilities that sum to 1 along the last axis."""
    scaled = logits.astype(np.float64) / temperature
    exponent = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def evidence(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Logits [..., classes] to the log of the sum of their exponentials: how much speaks for any
    label at all. For images of no known label less does.

    Source: Liu et al., "Energy-based Out-of-distribution Detection", NeurIPS 2020: it is the
    negative energy at temperature 1.
    """
    return np.asarray(np.logaddexp.reduce(logits.astype(np.float64), axis=-1))


class Classifier:
    """A version, ready to predict: checked, warm, one interpreter a CPU and one to spare."""

    def __init__(self, manifest: Manifest, artifact: bytes) -> None:
        """Check the artifact's hash and its golden outputs. Raises: InvalidManifest."""
        self.manifest = manifest
        model = manifest.verify(SERVED, artifact)
        self._sessions = SessionPool(model, (os.cpu_count() or 1) + 1)
        self._check_golden()

    def classify(self, data: bytes) -> Prediction:
        """Predict one image from its bytes. Raises: InvalidImage, TooLarge."""
        spec = self.manifest.input
        started = time.perf_counter()
        image = decode(data, spec.height, spec.width)
        decoded = time.perf_counter()
        logits = self.logits(image).tolist()
        inferred = time.perf_counter()
        calibration, labels = self.manifest.calibration, self.manifest.labels
        # In plain Python: for so few numbers `softmax` and `evidence` cost several times as much.
        order = sorted(range(len(logits)), key=logits.__getitem__, reverse=True)
        highest = logits[order[0]]
        scaled = [math.exp((x - highest) / calibration.temperature) for x in logits]
        whole = sum(scaled)
        ranked = [(labels[i], scaled[i] / whole) for i in order]
        found = highest + math.log(sum([math.exp(x - highest) for x in logits]))
        label, probability = ranked[0]
        return Prediction(
            version=self.manifest.version,
            label=label,
            probability=probability,
            unsure=probability < calibration.threshold,
            none_of_these=calibration.is_none(order[0], found),
            probabilities=ranked,
            decode_ms=(decoded - started) * 1e3,
            inference_ms=(inferred - decoded) * 1e3,
        )

    def logits(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 [height, width, 3] to logits float32 [classes]."""
        return self._sessions.logits(image)

    def _check_golden(self) -> None:
        t = self.manifest.calibration.temperature
        found = np.stack([self.logits(image) for image in golden_inputs(self.manifest.input)])
        expected = np.asarray(self.manifest.golden.logits)
        if found.shape != expected.shape:
            raise InvalidManifest(
                f"{self.manifest.version} answers in shape {found.shape}; "
                f"its manifest says {expected.shape}."
            )
        gap = float(np.abs(softmax(found, t) - softmax(expected, t)).max())
        if gap > GOLDEN_TOLERANCE:
            raise InvalidManifest(
                f"{self.manifest.version}'s golden probabilities are off by {gap:.3f}; "
                f"{GOLDEN_TOLERANCE} is allowed.",
                "Promote another version, and retrain this one on this runtime.",
            )
