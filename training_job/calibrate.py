"""Calibration: how sure the answers are, when they are unsure, and when an image is of no label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import t as student
from sklearn.metrics import roc_auc_score

from ocellus.manifest import Calibration
from ocellus.prediction import activation, softmax
from training_job.checks import MIN_HELD_OUT
from training_job.evaluate import Classes, Floats, run_artifact
from training_job.outliers import outliers

TARGET_PRECISION = 0.95
"""Answers that are not marked unsure are right this often on the holdout."""
KNOWN_KEPT = 0.99
"""Share of each label's images, at least, that are not called none of these."""
OUTLIERS_A_KIND = 100


def calibrate(logits: Floats, classes: Classes, features: Floats) -> Calibration:
    """Fit the temperature by likelihood, the threshold that keeps the target precision, and the
    least activations of known images. logits: [n, labels]; features: [n, f]; n may be 0.

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
    active = activation(features)
    least = [_least(active[classes == c]) for c in range(logits.shape[1])]
    return Calibration(round(temperature, 4), round(threshold, 4), least)


def _least(active: npt.NDArray[np.floating]) -> float | None:
    """Return what the next image of the label exceeds with a chance of KNOWN_KEPT, from the
    activations [n] of those held out; None of too few.

    Each label has its own, as one that a quick retrain added excites the old extractor less. It is
    a normal prediction limit, as a quantile of few rows lies among them and turns known images
    away: of 8 rows a label, 12 % instead of 1 %.
    Source: Whitmore, "Prediction Limits for a Univariate Normal Observation", The American
    Statistician 40 (1986).
    """
    n = len(active)
    if n < MIN_HELD_OUT:
        return None
    reach = student.ppf(KNOWN_KEPT, n - 1) * (1 + 1 / n) ** 0.5
    return round(float(active.mean() - reach * active.std(ddof=1)), 5)


def out_of_distribution(
    artifact: bytes, side: int, logits: Floats, features: Floats, calibration: Calibration
) -> dict[str, Any]:
    """Return how well the activation tells drawn images of no label from the known ones.

    logits: [n, labels] and features: [n, f] of the holdout. AUROC is the chance that a known image
    has the higher activation; `told` the share that is called none of these.
    """
    known = activation(features)

    def called_none(logits: Floats, active: npt.NDArray[np.floating]) -> float:
        pairs = zip(logits.argmax(axis=1).tolist(), active.tolist(), strict=True)
        return round(float(np.mean([calibration.is_none(*pair) for pair in pairs])), 4)

    report: dict[str, Any] = {"known_called_none": called_none(logits, known)}
    sources = {}
    for kind, images in outliers(OUTLIERS_A_KIND, side).items():
        answers, excited = run_artifact(artifact, images)
        found = activation(excited)
        is_known = np.repeat([True, False], [len(known), len(found)])
        sources[kind] = {
            "images": len(found),
            "auroc": round(float(roc_auc_score(is_known, np.concatenate([known, found]))), 4),
            "told": called_none(answers, found),
        }
    return report | {"sources": sources}
