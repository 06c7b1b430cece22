"""Training the whole network: it learns, it resumes, its artifacts agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import training_job.train
from ocellus.runs import Progress
from ocellus.runtime import HeadSession
from training_job.averaging import Mean
from training_job.checkpoint import Curves
from training_job.evaluate import run_artifact
from training_job.export import export
from training_job.network import build_network, grow_head, initialise, with_features
from training_job.pulse import Interrupted
from training_job.recipe import Recipe
from training_job.train import class_weights, train

RNG = np.random.default_rng(7)
COLOURS = np.array([[200, 40, 40], [40, 200, 40]])
CLASSES = np.arange(64) % 2
IMAGES = np.clip(COLOURS[CLASSES][:, None, None] + RNG.normal(0, 30, (64, 32, 32, 3)), 0, 255)
IMAGES = IMAGES.astype(np.uint8)
RECIPE = Recipe(epochs=3, averaged=0, batch=16, cutout=0)


def fresh(seed: int = 1) -> keras.Model:
    keras.utils.set_random_seed(seed)
    network = build_network(2, 32, widths=(16, 16, 16))
    initialise(network, IMAGES)
    return network


def run(
    recipe: Recipe, checkpoint: Path, report: Callable[[Progress], None], **options: Any
) -> tuple[keras.Model, Curves]:
    return train(fresh(), IMAGES, CLASSES, recipe, checkpoint, report, **options)


def test_training_learns_and_tells_its_progress(tmp_path: Path) -> None:
    told: list[Progress] = []
    network, curves = run(RECIPE, tmp_path / "c.npz", told.append)
    answers = network.predict(IMAGES.astype(np.float32), verbose=0).argmax(axis=1)
    assert (answers == CLASSES).mean() > 0.9
    assert len(curves.loss) == len(curves.accuracy) == 3
    assert not curves.validation_loss
    assert (told[-1].epoch, told[-1].epochs, told[-1].seconds_left) == (3, 3, 0.0)
    assert all(p.images_per_s and p.images_per_s > 0 for p in told)
    assert all(p.steps_per_s and p.steps_per_s > 0 for p in told)


@pytest.mark.parametrize("averaged", [0, 2], ids=["", "averaged"])
@pytest.mark.parametrize("at", [(1, 3), (3, 2)], ids=["in the first epoch", "in the last"])
def test_a_stopped_training_resumes_at_the_step_and_ends_the_same(
    tmp_path: Path, at: tuple[int, int], averaged: int
) -> None:
    recipe = replace(RECIPE, averaged=averaged)
    whole, expected = run(recipe, tmp_path / "whole.npz", lambda p: None)

    def stop(progress: Progress) -> None:
        if (progress.epoch, progress.step) == at:
            raise Interrupted

    checkpoint = tmp_path / "stopped.npz"
    with pytest.raises(Interrupted):
        run(recipe, checkpoint, stop)
    told: list[Progress] = []
    resumed, curves = run(recipe, checkpoint, told.append)
    assert len(told) == 3 * 8 - ((at[0] - 1) * 8 + at[1])
    np.testing.assert_allclose(curves.loss, expected.loss, rtol=1e-3)
    for one, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=0.01, atol=0.01)


def test_what_is_learned_is_the_mean_of_the_last_weights(tmp_path: Path) -> None:
    passed: list[list[np.ndarray]] = []
    add = Mean.add

    def listen(mean: Mean, weights: list[np.ndarray]) -> None:
        passed.append([w.copy() for w in weights])
        add(mean, weights)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Mean, "add", listen)
        network, _ = run(replace(RECIPE, averaged=1), tmp_path / "c.npz", lambda p: None)
    assert len(passed) == 8
    for i, weights in enumerate(network.get_weights()):
        mean = np.mean([each[i] for each in passed], axis=0)
        np.testing.assert_allclose(weights, mean, rtol=1e-4, atol=1e-5)


def test_a_killed_training_has_saved_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_job.train, "SAVE_EVERY_S", 0.0)

    def kill(progress: Progress) -> None:
        if (progress.epoch, progress.step) == (2, 5):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(RECIPE, tmp_path / "c.npz", kill)
    told: list[Progress] = []
    run(RECIPE, tmp_path / "c.npz", told.append)
    assert (told[0].epoch, told[0].step) == (2, 5)


def test_a_checkpoint_of_another_training_is_not_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    checkpoint = tmp_path / "c.npz"
    run(RECIPE, checkpoint, lambda p: None)
    told: list[Progress] = []
    run(Recipe(epochs=2, averaged=0, batch=16, seed=9), checkpoint, told.append)
    assert (told[0].epoch, told[0].step) == (1, 1)
    assert "starting afresh" in caplog.text


def test_a_patient_training_goes_on_to_the_averaged_epochs(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, IMAGES.shape, dtype=np.uint8)
    recipe = Recipe(epochs=40, averaged=4, batch=16, patience=2)
    told: list[Progress] = []
    train(fresh(), noise, CLASSES, recipe, tmp_path / "c.npz", told.append)
    epochs = sorted({progress.epoch for progress in told})
    assert epochs[-4:] == [37, 38, 39, 40]
    gave_up = epochs[-5]
    assert epochs == [*range(1, gave_up + 1), 37, 38, 39, 40]
    assert gave_up < 36
    with np.load(tmp_path / "c.npz") as saved:
        losses = json.loads(str(saved["standing"]))["curves"]["validation_loss"]
        steps = 58 // 7
        assert saved["optimizer0"] == 40 * steps
    assert len(losses) == len(epochs)
    assert np.argmin(losses[:gave_up]) == gave_up - 3


def test_validation_images_are_watched(tmp_path: Path) -> None:
    _, curves = run(RECIPE, tmp_path / "c.npz", lambda p: None, validation=(IMAGES, CLASSES))
    assert len(curves.validation_loss) == len(curves.validation_accuracy) == 3
    assert curves.validation_accuracy[-1] > 0.9


def test_a_rare_class_weighs_more_within_bounds() -> None:
    classes = np.repeat([0, 1, 2], [90, 9, 1])
    weights = class_weights(classes, 4, balance=True)
    assert weights[0] < weights[1] < weights[2] <= 8 * weights[0] * 5
    np.testing.assert_allclose(weights[classes].mean(), 1, rtol=1e-5)
    np.testing.assert_array_equal(class_weights(classes, 3, balance=False), 1)


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
