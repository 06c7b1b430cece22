"""Calibration and measures on made-up logits."""

from __future__ import annotations

import numpy as np

from ocellus.prediction import softmax
from training_job.evaluate import TARGET_PRECISION, calibrate, measure

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(0, 4, 4000)


def logits_of(truth: np.ndarray, sharpness: float) -> np.ndarray:
    """Logits whose softmax is the true chance when sharpness is 1."""
    chances = RNG.dirichlet(np.full(4, 0.5), len(truth))
    drawn = np.array([RNG.choice(4, p=p) for p in chances])
    shift = (truth - drawn) % 4
    rolled = np.array([np.roll(p, s) for p, s in zip(chances, shift, strict=True)])
    return np.asarray(np.log(np.maximum(rolled, 1e-9)) * sharpness, np.float32)


def test_the_temperature_undoes_overconfidence() -> None:
    logits = logits_of(TRUTH, 3.0)
    calibration = calibrate(logits, TRUTH)
    assert abs(calibration.temperature - 3.0) < 0.3
    before = measure(logits, TRUTH, list("abcd"), 1.0)["calibration_error"]
    after = measure(logits, TRUTH, list("abcd"), calibration.temperature)["calibration_error"]
    assert after < 0.03 < before


def test_answers_above_the_threshold_are_as_precise_as_promised() -> None:
    logits = logits_of(TRUTH, 1.0)
    calibration = calibrate(logits, TRUTH)
    probabilities = softmax(logits, calibration.temperature)
    sure = probabilities.max(axis=1) >= calibration.threshold
    assert 0 < sure.sum() < len(sure)
    right = probabilities.argmax(axis=1)[sure] == TRUTH[sure]
    assert right.mean() >= TARGET_PRECISION - 0.001


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
