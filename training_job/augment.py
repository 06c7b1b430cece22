"""Augmentation on uint8 batches: alternating flip, crops, shifts, colour, cutout, mixup."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from training_job.recipe import Recipe

Images = npt.NDArray[np.uint8]
GREY = 127


@dataclass(frozen=True)
class Batch:
    """images: uint8 [n, side, side, 3]. targets: float32 [n, classes], each row sums to 1.
    weights: float32 [n].
    """

    images: Images
    targets: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]


def epoch_batches(
    images: Images,
    classes: npt.NDArray[np.int64],
    class_weights: npt.NDArray[np.float32],
    recipe: Recipe,
    *,
    batch: int,
    epoch: int,
    first: int = 0,
) -> Iterator[Batch]:
    """Yield one epoch of shuffled, augmented batches from the batch `first` on, the same for the
    same seed, epoch and number. The last partial batch is left out if a whole one came.

    They are made in a thread beside the consumer, a few ahead.
    """
    order = np.random.default_rng((recipe.seed, epoch)).permutation(len(images))
    flips = np.random.default_rng(recipe.seed).random(len(images)) < 0.5
    ready: queue.Queue[Batch | Exception | None] = queue.Queue(maxsize=3)
    abandoned = threading.Event()

    def make() -> None:
        try:
            count = max(len(order) // batch, 1)
            for number in range(first, count):
                rows = order[number * batch : (number + 1) * batch]
                rng = np.random.default_rng((recipe.seed, epoch, number))
                flip = flips[rows] ^ (epoch % 2 == 1)
                targets = np.eye(len(class_weights), dtype=np.float32)[classes[rows]]
                made = Batch(
                    augment(images[rows], flip, recipe, rng), targets, class_weights[classes[rows]]
                )
                _put(mixed(made, recipe.mixup, rng) if recipe.mixup else made)
            _put(None)
        except Exception as e:
            _put(e)

    def _put(item: Batch | Exception | None) -> None:
        while not abandoned.is_set():
            try:
                return ready.put(item, timeout=0.2)
            except queue.Full:
                continue

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item
    finally:
        abandoned.set()
        thread.join()


def augment(
    images: Images, flip: npt.NDArray[np.bool_], recipe: Recipe, rng: np.random.Generator
) -> Images:
    """Return the images [n, side, side, 3] changed at random as the recipe says.

    An image is flipped in every other epoch, not at random, so that two epochs show both sides.
    Source: arXiv:2404.00498, section 3.6. Cutout: DeVries and Taylor, arXiv:1708.04552.
    """
    if recipe.scale < 1:
        images = _cropped(images, recipe.scale, rng)
    if recipe.shift:
        images = _shifted(images, recipe.shift, rng)
    images = np.where(flip[:, None, None, None], images[:, :, ::-1], images)
    if recipe.colour:
        images = _coloured(images, recipe.colour, rng)
    if recipe.cutout:
        images = _cut(images, round(recipe.cutout * images.shape[1]), rng)
    return images


def mixed(batch: Batch, alpha: float, rng: np.random.Generator) -> Batch:
    """Mix every image with another of the batch, and their targets alike.

    Source: Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018.
    """
    other = rng.permutation(len(batch.images))
    share = rng.beta(alpha, alpha, len(other)).astype(np.float32)[:, None, None, None]
    images = batch.images * share + batch.images[other] * (1 - share)
    share = share[:, 0, 0]
    targets = batch.targets * share + batch.targets[other] * (1 - share)
    weights = batch.weights * share[:, 0] + batch.weights[other] * (1 - share[:, 0])
    return Batch(images.round().astype(np.uint8), targets, weights)


def _shifted(images: Images, shift: int, rng: np.random.Generator) -> Images:
    side = images.shape[1]
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), "reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
    dy, dx = rng.integers(0, 2 * shift + 1, (2, len(images)))
    return np.moveaxis(windows[np.arange(len(images)), dy, dx], 1, -1)


def _cropped(images: Images, least: float, rng: np.random.Generator) -> Images:
    """Crop each to a share of its side, `least` to 1, somewhere, and resize it to the whole."""
    side = images.shape[1]
    sizes = rng.uniform(least, 1, len(images)) * side
    corners = rng.random((2, len(images))) * (side - sizes)
    out = np.empty_like(images)
    for i, (image, size) in enumerate(zip(images, sizes, strict=True)):
        x, y = corners[:, i]
        box = (x, y, x + size, y + size)
        out[i] = np.asarray(
            Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box)
        )
    return out


def _coloured(images: Images, strength: float, rng: np.random.Generator) -> Images:
    factors = rng.uniform(1 - strength, 1 + strength, (3, len(images), 1, 1, 1)).astype(np.float32)
    brightness, contrast, saturation = factors
    x = images * brightness
    grey = x.mean(axis=-1, keepdims=True)
    x = grey + (x - grey) * saturation
    mean = x.mean(axis=(1, 2, 3), keepdims=True)
    return np.asarray(np.clip(mean + (x - mean) * contrast, 0, 255), np.uint8)


def _cut(images: Images, size: int, rng: np.random.Generator) -> Images:
    side = images.shape[1]
    y, x = rng.integers(0, side - size + 1, (2, len(images), 1, 1))
    line = np.arange(side)
    down = (line[:, None] >= y) & (line[:, None] < y + size)
    across = (line >= x) & (line < x + size)
    cut = images.copy()
    cut[down & across] = GREY
    return cut
