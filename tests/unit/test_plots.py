"""Pictures: each in both themes, with a caption and its numbers, for few labels and for many."""

from __future__ import annotations

import io
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from ocellus.samples import HOLDOUT, TEST, TRAIN
from training_job.checkpoint import Curves
from training_job.data import Dataset
from training_job.duplicates import kept_apart
from training_job.metrics import measure
from training_job.plots import INDEX, picture_files
from training_job.plots.answers import Judged, answer_pictures
from training_job.plots.data import data_pictures
from training_job.plots.style import DARK, LIGHT
from training_job.plots.training import training_curves

RNG = np.random.default_rng(8)


def data_of(labels: int, images: int) -> Dataset:
    pixels = RNG.integers(0, 255, (images, 32, 32, 3), dtype=np.uint8)
    pixels[-4:] = pixels[:4]
    splits = np.arange(images) % 3
    assert {TRAIN, HOLDOUT, TEST} == {0, 1, 2}
    names = [f"a label of some length {i}" for i in range(labels)]
    keys = np.arange(images, dtype=np.uint64)
    return kept_apart(
        Dataset(names, pixels, np.arange(images) % labels, keys, splits.astype(np.uint8), [])
    )


def judged(data: Dataset) -> Judged:
    images, truth = data.part(HOLDOUT)
    logits = RNG.normal(0, 1, (len(truth), len(data.labels))).astype(np.float32)
    logits[np.arange(len(truth)), truth] += 1
    measured = measure(logits, truth, data.labels, 1.0)
    return Judged(data.labels, logits, truth, images, 1.0, measured, "held-out")


@pytest.mark.parametrize(("labels", "images"), [(2, 60), (10, 200), (300, 900)])
def test_every_picture_has_both_themes_a_caption_and_numbers(labels: int, images: int) -> None:
    data = data_of(labels, images)
    curves = Curves([1.5, 1.2], [0.5, 0.7], [1, 1], [1.1, 0.8], [0.6, 0.72])
    told: list[None] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        files = picture_files(
            [*data_pictures(data), training_curves(curves), *answer_pictures(judged(data))],
            lambda: told.append(None),
        )
    index = json.loads(files.pop(INDEX))
    assert [x["name"] for x in index] == [
        "class-distribution", "sample-grid", "pixel-intensity", "duplicates", "training-curves",
        "confusion", "per-class", "roc", "reliability", "confused-pairs",
    ]  # fmt: skip
    assert len(told) == len(index)
    assert set(files) == {x[theme] for x in index for theme in ("light", "dark")}
    for entry in index:
        assert entry["title"]
        assert entry["shows"].endswith(".")
        assert entry["how_to_read"].endswith(".")
        assert entry["numbers"]
        for theme, colours in (("light", LIGHT), ("dark", DARK)):
            image = Image.open(io.BytesIO(files[entry[theme]])).convert("RGB")
            assert image.width == 720
            assert image.height <= 900
            ground = "#{:02x}{:02x}{:02x}".format(*image.getpixel((0, 0)))  # type: ignore[misc]
            assert ground == colours.surface


def test_the_same_numbers_make_the_same_bytes() -> None:
    data = data_of(3, 60)
    assert picture_files(data_pictures(data), lambda: None) == picture_files(
        data_pictures(data), lambda: None
    )


def test_a_label_without_held_out_images_and_no_images_are_no_fault() -> None:
    logits = np.array([[2, 0, 0], [0, 2, 0], [2, 0, 0]], np.float32)
    truth = np.array([0, 1, 1])
    measured = measure(logits, truth, ["a", "b", "c"], 1.0)
    given = Judged(["a", "b", "c"], logits, truth, None, 1.0, measured, "held-out")
    names = [picture.name for picture in answer_pictures(given)]
    assert names == ["confusion", "per-class", "roc", "reliability"]
    picture_files(answer_pictures(given), lambda: None)
