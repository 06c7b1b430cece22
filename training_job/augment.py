"""Augmentation: alternating flip, small shifts and cutout, on uint8 batches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt


def augmented_batches(
    images: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.int64],
    *,
    batch: int,
    epoch: int,
    shift: int,
    cutout: int,
    seed: int,
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]]:
    """Yield one epoch of shuffled, shifted, flipped, cut batches, the same for the same seed and
    epoch. The last partial batch is left out if a whole one came.

    An image is flipped in every other epoch, not at random, so that two epochs show both sides.
    Source: arXiv:2404.00498, section 3.6. A square of `cutout` pixels is greyed at a random place.
    Source: DeVries and Taylor, arXiv:1708.04552.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(len(images))
    flips = np.random.default_rng(seed).random(len(images)) < 0.5
    side = images.shape[1]
    for start in range(0, max(len(order) - batch, 0) + 1, batch):
        rows = order[start : start + batch]
        padded = np.pad(images[rows], ((0, 0), (shift, shift), (shift, shift), (0, 0)), "reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side), axis=(1, 2))
        dy, dx = rng.integers(0, 2 * shift + 1, (2, len(rows)))
        out = np.moveaxis(windows[np.arange(len(rows)), dy, dx], 1, -1)
        flip = flips[rows] ^ (epoch % 2 == 1)
        out = np.where(flip[:, None, None, None], out[:, :, ::-1], out)
        if cutout:
            y, x = rng.integers(0, side - cutout + 1, (2, len(rows), 1, 1))
            line = np.arange(side)
            down = (line[:, None] >= y) & (line[:, None] < y + cutout)
            across = (line >= x) & (line < x + cutout)
            out[down & across] = 127
        yield out, classes[rows]
