"""Training the whole network: it learns, it resumes, its artifacts agree."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from ocellus.runs import Progress
from ocellus.runtime import HeadSession
from training_job.evaluate import run_artifact
from training_job.export import export
from training_job.network import build_network, grow_head, with_features
from training_job.train import Recipe, train

RNG = np.random.default_rng(7)
COLOURS = np.array([[200, 40, 40], [40, 200, 40]])
CLASSES = np.arange(64) % 2
IMAGES = np.clip(COLOURS[CLASSES][:, None, None] + RNG.normal(0, 30, (64, 32, 32, 3)), 0, 255)
IMAGES = IMAGES.astype(np.uint8)
RECIPE = Recipe(epochs=3, batch=16, peak_learning_rate=0.02, cutout=0)


class Stop(Exception):
    """The trainer is killed."""


def test_training_learns_and_tells_its_progress(tmp_path: Path) -> None:
    told: list[Progress] = []
    network, curves = train(IMAGES, CLASSES, 2, RECIPE, tmp_path / "c.npz", told.append)
    answers = network.predict(IMAGES.astype(np.float32), verbose=0).argmax(axis=1)
    assert (answers == CLASSES).mean() > 0.9
    assert len(curves.loss) == len(curves.accuracy) == 3
    assert (told[-1].epoch, told[-1].epochs, told[-1].seconds_left) == (3, 3, 0.0)
    assert all(p.images_per_s and p.images_per_s > 0 for p in told)


def test_a_killed_training_resumes_and_ends_the_same(tmp_path: Path) -> None:
    whole, _ = train(IMAGES, CLASSES, 2, RECIPE, tmp_path / "whole.npz", lambda p: None)

    def stop(progress: Progress) -> None:
        if progress.epoch == 3:
            raise Stop

    checkpoint = tmp_path / "killed.npz"
    with pytest.raises(Stop):
        train(IMAGES, CLASSES, 2, RECIPE, checkpoint, stop)
    epochs: list[int] = []
    resumed, curves = train(
        IMAGES, CLASSES, 2, RECIPE, checkpoint, lambda p: epochs.append(p.epoch)
    )
    assert set(epochs) == {3}
    assert len(curves.loss) == 3
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.05, atol=0.05)


def test_a_checkpoint_of_another_recipe_is_not_used(tmp_path: Path) -> None:
    checkpoint = tmp_path / "c.npz"
    train(IMAGES, CLASSES, 2, RECIPE, checkpoint, lambda p: None)
    epochs: list[int] = []
    other = Recipe(epochs=2, batch=16, seed=9)
    train(IMAGES, CLASSES, 2, other, checkpoint, lambda p: epochs.append(p.epoch))
    assert set(epochs) == {1, 2}


def test_artifacts_answer_as_the_network() -> None:
    keras.utils.set_random_seed(1)
    network = build_network(3, 32)
    expected = with_features(network).predict(IMAGES[:8].astype(np.float32), verbose=0)
    int8, float32 = export(network)
    logits, features = run_artifact(float32, IMAGES[:8])
    np.testing.assert_allclose(logits, expected["logits"], atol=1e-4)
    np.testing.assert_allclose(features, expected["features"], atol=1e-4)
    logits, features = run_artifact(int8, IMAGES[:8])
    np.testing.assert_allclose(logits, expected["logits"], atol=0.05)
    np.testing.assert_allclose(HeadSession(int8).run(features), logits, atol=1e-5)
    assert len(int8) < len(float32) / 3


def test_a_grown_head_answers_the_old_labels_as_before() -> None:
    keras.utils.set_random_seed(2)
    network = build_network(3, 32)
    x = IMAGES[:8].astype(np.float32)
    grown = grow_head(network, 5).predict(x, verbose=0)
    assert grown.shape == (8, 5)
    np.testing.assert_allclose(grown[:, :3], network.predict(x, verbose=0), atol=1e-5)
