"""Calibration: how sure the answers are, when they are unsure, and when an image is of no label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.metrics import roc_auc_score

from ocellus.manifest import Calibration
from ocellus.prediction import activation, softmax
from training_job.evaluate import Classes, Floats, run_artifact
from training_job.outliers import outliers

TARGET_PRECISION = 0.95
"""Answers that are not marked unsure are right this often on the holdout."""
KNOWN_KEPT = 0.99
"""Share of the holdout that is not called none of these."""
OUTLIERS_A_KIND = 100


def calibrate(logits: Floats, classes: Classes, features: Floats) -> Calibration:
    """Fit the temperature by likelihood, the threshold that keeps the target precision, and the
    least activation of a known image. logits: [n, labels]; features: [n, f]; n may be 0.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4.2.
    """
    rows = np.arange(len(classes))

    def loss(log_t: float) -> float:
        return float(-log_softmax(logits / np.exp(log_t), axis=1)[rows, classes].mean())

    temperature = float(np.exp(minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded").x))
    probabilities = softmax(logits, temperature)
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence)
    right = (probabilities.argmax(axis=1) == classes)[order]
    precise = np.flatnonzero(np.cumsum(right) / (rows + 1) >= TARGET_PRECISION)
    threshold = float(confidence[order][precise[-1]]) if len(precise) else 1.0
    least = float(np.quantile(activation(features), 1 - KNOWN_KEPT))
    return Calibration(round(temperature, 4), round(threshold, 4), round(least, 5))


def out_of_distribution(
    artifact: bytes, side: int, known: npt.NDArray[np.floating], least: float
) -> dict[str, Any]:
    """Return how well the activation tells drawn images of no label from the known ones.

    known: activations [n] of the holdout. AUROC is the chance that a known image has the higher
    activation; `told` the share that has less than `least` and is called none of these.
    """
    report: dict[str, Any] = {"known_called_none": round(float((known < least).mean()), 4)}
    sources = {}
    for kind, images in outliers(OUTLIERS_A_KIND, side).items():
        found = activation(run_artifact(artifact, images)[1])
        is_known = np.repeat([True, False], [len(known), len(found)])
        sources[kind] = {
            "images": len(found),
            "auroc": round(float(roc_auc_score(is_known, np.concatenate([known, found]))), 4),
            "told": round(float((found < least).mean()), 4),
        }
    return report | {"sources": sources}
