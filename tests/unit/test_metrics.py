"""Measures on made-up logits."""

from __future__ import annotations

import numpy as np

from training_job.metrics import measure


def test_measures_agree_with_counting_by_hand() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    answers = np.array([0, 1, 1, 1, 0])
    logits = np.eye(3, dtype=np.float32)[answers] * 5
    found = measure(logits, truth, ["a", "b", "c"], 1.0)
    assert found["accuracy"] == 0.6
    assert found["confusion"] == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    a, b, c = (found["per_class"][x] for x in "abc")
    assert a == {"images": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5, "roc_auc": 0.58333}
    assert b["recall"] == 0.66667
    assert c == {"images": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0, "roc_auc": None}
    assert found["macro"] == {
        "precision": 0.58333, "recall": 0.58333, "f1": 0.58333, "roc_auc": 0.58333,
    }  # fmt: skip
    (only,) = found["reliability"]
    assert (only["images"], only["accuracy"]) == (5, 0.6)
    assert found["calibration_error"] == round(only["confidence"] - 0.6, 5)
