"""Backbones: frozen, exported and grown like any network; a clear word when they cannot be had.

No test downloads anything, so the weights are drawn at random here and normalised on the images:
even so a head tells warm ones from cold.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from ocellus.errors import StoreUnavailable
from ocellus.runs import Progress
from training_job.backbone import backbone_network, fit_head, has_backbone
from training_job.evaluate import run_artifact
from training_job.export import export
from training_job.network import build_network, grow_head, load_network

CLASSES = np.arange(120) % 2
WARM_AND_COLD = np.array([[200, 90, 60], [60, 90, 200]])[CLASSES][:, None, None]
NOISE = np.random.default_rng(1).normal(0, 5, (120, 32, 32, 3))
IMAGES = np.clip(WARM_AND_COLD + NOISE, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    keras.utils.set_random_seed(1)
    network = backbone_network(2, 32, weights=None)
    body = network.layers[:-1]
    for layer in body:
        layer.momentum = 0.0
    network(IMAGES[:80].astype(np.float32), training=True)
    before = [w.copy() for layer in body for w in layer.get_weights()]
    said: list[Progress] = []
    fit_head(network, IMAGES[:80], CLASSES[:80], 1, said.append)
    after = [w for layer in body for w in layer.get_weights()]
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert said[-2].step == said[-2].steps
    assert said[-2].seconds_left == 0
    assert said[-1].loss is not None
    return network


def test_the_head_learns_and_the_artifacts_answer_like_the_network(network: keras.Model) -> None:
    logits = network.predict_on_batch(IMAGES[80:])
    assert (logits.argmax(axis=1) == CLASSES[80:]).mean() > 0.8
    for artifact in export(network):
        found, features = run_artifact(artifact, IMAGES[80:])
        assert features.shape == (40, 576)
        assert (found.argmax(axis=1) == logits.argmax(axis=1)).mean() >= 0.9


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_backbone_is_known_again_after_it_was_kept_or_grown(
    network: keras.Model, tmp_path: Path
) -> None:
    network.save(tmp_path / "model.keras")
    assert has_backbone(grow_head(load_network(tmp_path / "model.keras"), 3))
    assert not has_backbone(build_network(2, 32))


def test_weights_that_cannot_be_had_are_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**settings: object) -> None:
        raise Exception("URL fetch failure on https://example.org: None -- no route to host")

    monkeypatch.setattr(keras.applications, "MobileNetV3Small", fail)
    with pytest.raises(StoreUnavailable, match=r"cannot be had: URL .* train without --backbone"):
        backbone_network(2, 32)
