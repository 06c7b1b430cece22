"""Calibration on made-up logits, and the drawn images of no label."""

from __future__ import annotations

import numpy as np
import pytest
from tiny_version import TinyVersion

from ocellus.manifest import Calibration
from ocellus.prediction import evidence, softmax
from training_job.calibrate import KNOWN_KEPT, TARGET_PRECISION, calibrate, out_of_distribution
from training_job.metrics import measure
from training_job.outliers import outliers

RNG = np.random.default_rng(5)
TRUTH = RNG.integers(0, 4, 4000)
LOGITS = RNG.normal(size=(4000, 4)).astype(np.float32)


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


def kept(fitted_on: np.ndarray, logits: np.ndarray, label: int) -> float:
    """Share of a label's images that are kept in when the label has the rows `fitted_on`."""
    calibration = calibrate(fitted_on, np.full(len(fitted_on), label))
    found = evidence(logits).tolist()
    return 1 - float(np.mean([calibration.is_none(label, x) for x in found]))


def test_all_but_a_few_known_images_are_kept_in() -> None:
    assert kept(LOGITS[:2000], LOGITS[2000:], 1) == pytest.approx(KNOWN_KEPT, abs=0.005)


def test_few_held_out_images_of_a_label_turn_no_more_known_ones_away() -> None:
    shares = [kept(LOGITS[i : i + 8], LOGITS, 1) for i in range(0, 800, 8)]
    assert np.mean(shares) == pytest.approx(KNOWN_KEPT, abs=0.005)
    assert kept(LOGITS[:4], LOGITS - 1e6, 1) == 1.0


def test_a_label_for_which_less_speaks_keeps_its_images_and_leaves_the_others_their_bound() -> None:
    faint = TRUTH == 3
    logits = LOGITS - np.where(faint, 10.0, 0.0)[:, None]
    calibration = calibrate(logits, TRUTH)
    found = evidence(logits)
    assert np.mean([calibration.is_none(3, x) for x in found[faint]]) < 0.02
    assert np.mean([calibration.is_none(0, x) for x in found[faint]]) == 1.0


@pytest.mark.parametrize("side", [32, 96])
def test_outliers_are_the_same_again_and_differ_from_each_other(side: int) -> None:
    first, again = outliers(6, side), outliers(6, side)
    assert set(first) == {"noise", "texture", "gradient", "blank", "shapes", "text"}
    for kind, images in first.items():
        assert images.shape == (6, side, side, 3)
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, again[kind])
        assert len({image.tobytes() for image in images}) == 6


def test_images_for_which_less_speaks_are_told(tiny_version: TinyVersion) -> None:
    calibration = Calibration(1.0, 0.5, [1e5] * 3)
    known = np.full((50, 3), 1e6, np.float32)
    found = out_of_distribution(tiny_version.artifact, 32, known, calibration)
    assert found["known_called_none"] == 0
    assert {s["auroc"] for s in found["sources"].values()} == {1.0}
    assert {s["told"] for s in found["sources"].values()} == {1.0}
