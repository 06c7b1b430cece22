"""Prediction: one image's bytes to labels with probabilities."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pictures import picture
from tiny_version import TinyVersion

from ocellus.errors import InvalidImage, InvalidManifest
from ocellus.images import decode
from ocellus.manifest import INT8, Artifact, Calibration, Golden
from ocellus.prediction import Classifier, softmax


@pytest.fixture(scope="module")
def classifier(tiny_version: TinyVersion) -> Classifier:
    return Classifier(tiny_version.manifest, tiny_version.artifact)


def make(tiny: TinyVersion, **changes: Any) -> Classifier:
    return Classifier(replace(tiny.manifest, **changes), tiny.artifact)


@pytest.mark.parametrize("colour", ["red", "blue"])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_an_image_gets_its_label(classifier: Classifier, colour: str, kind: str) -> None:
    answer = classifier.classify(picture(colour, (300, 200), kind))
    assert (answer.version, answer.label, answer.unsure) == ("v1", colour, False)
    assert answer.probability > 0.99


def test_probabilities_are_of_every_label_highest_first_and_sum_to_one(
    classifier: Classifier,
) -> None:
    ranked = classifier.classify(picture("orange")).probabilities
    assert [label for label, _ in ranked] == ["red", "green", "blue"]
    values = [probability for _, probability in ranked]
    assert values == sorted(values, reverse=True)
    assert sum(values) == pytest.approx(1)


def test_the_ranking_is_that_of_softmax(classifier: Classifier) -> None:
    data = picture("orange")
    spec = classifier.manifest.input
    logits = classifier.logits(decode(data, spec.height, spec.width))
    expected = softmax(logits, classifier.manifest.calibration.temperature)
    found = dict(classifier.classify(data).probabilities)
    assert [found[x] for x in classifier.manifest.labels] == pytest.approx(expected.tolist())


def test_an_answer_under_the_threshold_is_unsure(classifier: Classifier) -> None:
    answer = classifier.classify(picture("grey"))
    assert answer.probability == pytest.approx(1 / 3, abs=0.01)
    assert answer.unsure


def test_the_threshold_is_the_manifests(tiny_version: TinyVersion) -> None:
    classifier = make(tiny_version, calibration=Calibration(1.0, 0.2))
    assert not classifier.classify(picture("grey")).unsure


def test_an_image_for_which_less_speaks_than_for_known_ones_is_none_of_these(
    tiny_version: TinyVersion,
) -> None:
    image = picture("red")
    for least, expected in (
        ([1e9, -1e9, -1e9], True),
        ([-1e9, 1e9, 1e9], False),
        ([None, 1e9, 1e9], False),
        (None, False),
    ):
        classifier = make(tiny_version, calibration=Calibration(1.0, 0.5, least))
        assert classifier.classify(image).none_of_these is expected


def test_temperature_softens_the_answer_and_keeps_its_label(tiny_version: TinyVersion) -> None:
    softer = make(tiny_version, calibration=Calibration(8.0, 0.5)).classify(picture("red"))
    assert softer.label == "red"
    assert softer.probability == pytest.approx(np.e / (np.e + 2), abs=0.01)


def test_the_time_of_decoding_and_of_inference_is_told(classifier: Classifier) -> None:
    answer = classifier.classify(picture("red"))
    assert answer.decode_ms > 0
    assert answer.inference_ms > 0


def test_what_is_no_image_is_refused(classifier: Classifier) -> None:
    with pytest.raises(InvalidImage):
        classifier.classify(b"text")


def test_threads_do_not_disturb_each_other(classifier: Classifier) -> None:
    colours = ["red", "blue"] * 100
    images = {colour: picture(colour) for colour in set(colours)}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda colour: classifier.classify(images[colour]), colours))
    assert [answer.label for answer in answers] == colours


def test_a_changed_artifact_is_refused(tiny_version: TinyVersion) -> None:
    with pytest.raises(InvalidManifest, match="sha256"):
        Classifier(tiny_version.manifest, tiny_version.artifact + b"\0")


def test_an_artifact_that_is_no_model_is_refused(tiny_version: TinyVersion) -> None:
    artifacts = tiny_version.manifest.artifacts | {INT8: Artifact.of(b"garbage")}
    with pytest.raises(InvalidManifest, match="not a model of ours"):
        Classifier(replace(tiny_version.manifest, artifacts=artifacts), b"garbage")


def test_other_golden_outputs_are_refused(tiny_version: TinyVersion) -> None:
    logits = np.asarray(tiny_version.manifest.golden.logits)
    logits[1, 2] += 5
    with pytest.raises(InvalidManifest, match="golden probabilities are off by 0"):
        make(tiny_version, golden=Golden(logits.tolist()))


def test_golden_outputs_may_differ_by_a_rounding(tiny_version: TinyVersion) -> None:
    logits = np.asarray(tiny_version.manifest.golden.logits) + 0.01 * np.eye(4, 3)
    assert make(tiny_version, golden=Golden(logits.tolist())).manifest.version == "v1"


def test_an_artifact_with_other_classes_is_refused(tiny_version: TinyVersion) -> None:
    with pytest.raises(
        InvalidManifest, match=r"answers in shape \(4, 3\); its manifest says \(4, 2\)"
    ):
        make(tiny_version, labels=["a", "b"], golden=Golden([[0.0, 0.0]] * 4))


def test_softmax_survives_large_logits() -> None:
    assert softmax(np.array([[1000.0, 0.0], [0.0, 0.0]]), 1.0).tolist() == [[1.0, 0.0], [0.5, 0.5]]
