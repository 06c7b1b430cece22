"""Backbones: networks trained on ImageNet, kept as they are, under a head of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count

import keras
import numpy as np

from ocellus.errors import StoreUnavailable
from ocellus.runs import Progress
from training_job.augment import augment
from training_job.evaluate import Classes, Images
from training_job.network import with_features
from training_job.quick import train_head
from training_job.recipe import MOBILENET, Recipe

_VIEWED = 4_000
"""A small set is seen in several views, until there are about as many as this."""
_MOST_VIEWS = 8
_BATCH = 32
_VIEWS = Recipe(shift=0, cutout=0.0, scale=0.7, colour=0.2)


def backbone_network(classes: int, side: int, weights: str | None = "imagenet") -> keras.Model:
    """Return MobileNetV3-Small without its head, and a new one: uint8-valued [n, side, side, 3] to
    logits [n, classes]. The layer `features` gives the head's input, as in `build_network`.

    Raises: StoreUnavailable if the weights, 4 MB, cannot be had.
    Source: Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.
    """
    inputs = keras.Input((side, side, 3), name="image")
    try:
        body = keras.applications.MobileNetV3Small(
            input_tensor=inputs, include_top=False, weights=weights
        )
    except Exception as e:  # Keras raises a bare Exception for a download that failed.
        raise StoreUnavailable(
            f"The weights of {MOBILENET} cannot be had: {e}.",
            "Try again where storage.googleapis.com can be reached, or train without --backbone.",
        ) from e
    x = keras.layers.GlobalAveragePooling2D(name="features")(body.output)
    head = keras.layers.Dense(classes, kernel_initializer="zeros", name="logits")
    return keras.Model(inputs, head(x), name=MOBILENET)


def has_backbone(network: keras.Model) -> bool:
    return bool(network.name == MOBILENET)


def fit_head(
    network: keras.Model,
    images: Images,
    classes: Classes,
    seed: int,
    report: Callable[[Progress], None],
) -> None:
    """Fit the head of a network with a backbone to several views of images [n, side, side, 3]."""
    views = int(np.clip(_VIEWED // len(images), 2, _MOST_VIEWS))
    features = keras.Model(network.input, with_features(network).output["features"])
    starts = range(0, len(images), _BATCH)
    began, done, steps = time.monotonic(), count(1), views * len(starts)
    rows = []
    for view in range(views):
        for start in starts:
            batch = images[start : start + _BATCH]
            rng = np.random.default_rng((seed, view, start))
            flip = np.full(len(batch), view % 2 == 1)
            # The first two views are the image and its mirror image.
            shown = augment(batch, flip, _VIEWS, rng) if view > 1 else _flipped(batch, view)
            rows.append(features.predict_on_batch(shown))
            step = next(done)
            rate = step / (time.monotonic() - began)
            report(
                Progress(
                    "train",
                    step=step,
                    steps=steps,
                    steps_per_s=round(rate, 2),
                    images_per_s=round(rate * _BATCH, 1),
                    seconds_left=round((steps - step) / rate, 1),
                )
            )
    head = network.get_layer("logits")
    kernel, bias = head.get_weights()
    truth = np.tile(classes, views)
    old = np.zeros(len(truth), bool)
    kernel, bias, loss = train_head(kernel, bias, np.concatenate(rows), truth, old)
    head.set_weights([kernel, bias])
    report(Progress("train", step=steps, steps=steps, loss=loss))


def _flipped(images: Images, view: int) -> Images:
    return images[:, :, ::-1] if view else images
