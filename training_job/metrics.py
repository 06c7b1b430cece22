"""Measures of answers: how right and how sure, in all and by label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
    roc_auc_score,
)

from ocellus.prediction import softmax
from training_job.evaluate import Classes, Floats, calibration_error

BINS = 15


def measure(
    logits: Floats, classes: Classes, labels: list[str], temperature: float
) -> dict[str, Any]:
    """Return accuracy, expected calibration error, macro precision, recall, F1 and one-vs-rest
    ROC-AUC, the same by label, the confusion matrix (rows true, columns answered) and the
    reliability by bin of confidence. logits: [n, labels]; classes: [n].

    Macro means are over the labels that have images. What is undefined is None: the AUC of a label
    of none or all of the images.
    """
    probabilities = softmax(logits, temperature)
    answers = probabilities.argmax(axis=1)
    every = np.arange(len(labels))
    precision, recall, f1, images = precision_recall_fscore_support(
        classes, answers, labels=every, zero_division=0.0
    )
    aucs = [_auc(classes == c, probabilities[:, c]) for c in every]
    seen = images > 0
    known_aucs = [auc for auc in aucs if auc is not None]
    confidence, right = probabilities.max(axis=1), answers == classes
    return {
        "images": len(classes),
        "accuracy": _rounded(accuracy_score(classes, answers)),
        "calibration_error": _rounded(calibration_error(confidence, right)),
        "macro": {
            "precision": _rounded(precision[seen].mean()),
            "recall": _rounded(recall[seen].mean()),
            "f1": _rounded(f1[seen].mean()),
            "roc_auc": _rounded(np.mean(known_aucs)) if known_aucs else None,
        },
        "per_class": {
            label: {
                "images": int(images[i]),
                "precision": _rounded(precision[i]),
                "recall": _rounded(recall[i]),
                "f1": _rounded(f1[i]),
                "roc_auc": aucs[i],
            }
            for i, label in enumerate(labels)
        },
        "confusion": confusion_matrix(classes, answers, labels=every).tolist(),
        "reliability": reliability(confidence, right),
    }


def reliability(
    confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]
) -> list[dict[str, float]]:
    """Return for each bin of confidence that has images their count, mean confidence and accuracy.

    The bins are those of the expected calibration error.
    """
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return [
        {
            "images": int((bins == b).sum()),
            "confidence": _rounded(confidence[bins == b].mean()),
            "accuracy": _rounded(right[bins == b].mean()),
        }
        for b in np.unique(bins)
    ]


def _auc(of_class: npt.NDArray[np.bool_], probability: npt.NDArray[np.floating]) -> float | None:
    if of_class.all() or not of_class.any():
        return None
    return _rounded(roc_auc_score(of_class, probability))


def _rounded(value: Any) -> float:
    return round(float(value), 5)
