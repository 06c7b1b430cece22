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
from ocellus.prediction import evidence, softmax
from training_job.checks import MIN_HELD_OUT
from training_job.evaluate import Classes, Floats, run_artifact
from training_job.outliers import outliers

TARGET_PRECISION = 0.95
"""Answers that are not marked unsure are right this often on the holdout."""
KNOWN_KEPT = 0.99
"""Share of each label's images, at least, that are not called none of these."""
OUTLIERS_A_KIND = 100


def calibrate(logits: Floats, classes: Classes) -> Calibration:
    """Fit the temperature by likelihood, the threshold that keeps the target precision, and the
    least evidence of known images. logits: [n, labels]; n may be 0.

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
    found = evidence(logits)
    least = [_least(found[classes == c]) for c in range(logits.shape[1])]
    return Calibration(round(temperature, 4), round(threshold, 4), least)


def _least(found: npt.NDArray[np.floating]) -> float | None:
    """Return what the next image of the label exceeds with a chance of KNOWN_KEPT, from the
    evidence [n] for those held out; None of too few.

    Each label has its own, as for one that a quick retrain added less may speak. Of few rows it is
    a normal prediction limit, as a quantile lies among them and turns known images away: of 8 rows
    a label, 12 % instead of 1 %.
    Source: Whitmore, "Prediction Limits for a Univariate Normal Observation", The American
    Statistician 40 (1986).
    """
    n = len(found)
    if n < MIN_HELD_OUT:
        return None
    if n * (1 - KNOWN_KEPT) >= 1:
        return round(float(np.quantile(found, 1 - KNOWN_KEPT)), 5)
    reach = student.ppf(KNOWN_KEPT, n - 1) * (1 + 1 / n) ** 0.5
    return round(float(found.mean() - reach * found.std(ddof=1)), 5)


def out_of_distribution(
    artifact: bytes, side: int, logits: Floats, calibration: Calibration
) -> dict[str, Any]:
    """Return how well the evidence tells drawn images of no label from the known ones.

    logits: [n, labels] of the holdout. AUROC is the chance that more speaks for a known image;
    `told` the share that is called none of these.
    """
    known = evidence(logits)

    def called_none(logits: Floats) -> float:
        pairs = zip(logits.argmax(axis=1).tolist(), evidence(logits).tolist(), strict=True)
        return round(float(np.mean([calibration.is_none(*pair) for pair in pairs])), 4)

    report: dict[str, Any] = {"known_called_none": called_none(logits)}
    sources = {}
    for kind, images in outliers(OUTLIERS_A_KIND, side).items():
        answers, _ = run_artifact(artifact, images)
        found = evidence(answers)
        is_known = np.repeat([True, False], [len(known), len(found)])
        sources[kind] = {
            "images": len(found),
            "auroc": round(float(roc_auc_score(is_known, np.concatenate([known, found]))), 4),
            "told": called_none(answers),
        }
    return report | {"sources": sources}
