"""Measures on made-up logits."""

from __future__ import annotations

import numpy as np

from training_job.evaluate import measure


def test_measures_agree_with_counting_by_hand() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    answers = np.array([0, 1, 1, 1, 0])
    logits = np.eye(3, dtype=np.float32)[answers] * 5
    found = measure(logits, truth, ["a", "b", "c"], 1.0)
    assert found["accuracy"] == 0.6
    assert found["confusion"] == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    assert found["per_class"]["a"] == {"images": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert found["per_class"]["b"]["recall"] == 0.66667
    assert found["per_class"]["c"] == {"images": 0, "precision": 0.0, "recall": 0.0, "f1": 0.0}
