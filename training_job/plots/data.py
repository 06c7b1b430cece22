"""Pictures of a data set: how much of what, how it looks, how bright it is, what stands twice."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ocellus.samples import HOLDOUT, TEST, TRAIN
from training_job.data import Dataset
from training_job.plots.style import Picture, Theme, bar_height_in, bars, shortened

MOST_LABELS = 20
_COLUMNS, _SAMPLES_A_LABEL = 10, 8
_CHANNELS = ("red", "green", "blue")
_LOOKED_AT = 5_000


def data_pictures(data: Dataset) -> Iterator[Picture]:
    """Yield the pictures that a data set allows."""
    yield class_distribution(data)
    yield sample_grid(data)
    yield pixel_intensity(data)
    if len(data.twice):
        yield duplicates(data)


def class_distribution(data: Dataset) -> Picture:
    """Training images by label."""
    counts = {
        name: np.bincount(data.classes[data.splits == split], minlength=len(data.labels))
        for name, split in (("train", TRAIN), ("holdout", HOLDOUT), ("test", TEST))
    }
    order = np.argsort(-counts["train"], kind="stable")
    if len(order) > MOST_LABELS:
        half = MOST_LABELS // 2
        order = np.concatenate([order[:half], order[-half:]])

    def draw(figure: Figure, theme: Theme) -> None:
        names = [data.labels[i] for i in order]
        values = [float(counts["train"][i]) for i in order]
        bars(figure.add_subplot(), names, values, theme, [f"{int(v):,}" for v in values])

    shown = "" if len(order) == len(data.labels) else " The ten largest and the ten smallest."
    return Picture(
        "class-distribution",
        "Images by label",
        f"How many images of each label the network was trained on.{shown}",
        "Bars alike mean that no label is favoured; a short one wants more images.",
        {"labels": data.labels, **{name: count.tolist() for name, count in counts.items()}},
        draw,
        bar_height_in(len(order)),
    )


def sample_grid(data: Dataset) -> Picture:
    """Some training images of each label."""
    images, classes = data.part(TRAIN)
    shown = [
        (label, images[classes == c][:_SAMPLES_A_LABEL])
        for c, label in enumerate(data.labels[:_COLUMNS])
    ]

    def draw(figure: Figure, theme: Theme) -> None:
        rows = figure.subplots(len(shown), 1, squeeze=False)[:, 0]
        for axes, (label, found) in zip(rows, shown, strict=True):
            strip(axes, found, _SAMPLES_A_LABEL)
            axes.set_ylabel(shortened(label), rotation=0, ha="right", va="center")

    more = "" if len(shown) == len(data.labels) else f" The first {len(shown)} labels."
    return Picture(
        "sample-grid",
        "Samples",
        f"Training images of each label, as the network sees them.{more}",
        "Look for images under a wrong label, and for marks that give a label away.",
        {"labels": [label for label, _ in shown], "side": int(data.images.shape[1])},
        draw,
        0.2 + 0.34 * len(shown),
        of_images=True,
    )


def pixel_intensity(data: Dataset) -> Picture:
    """How often each brightness occurs in each channel."""
    images = data.part(TRAIN)[0][:_LOOKED_AT]
    shares = np.stack(
        [np.bincount(images[..., c].ravel(), minlength=256) / images[..., c].size for c in range(3)]
    )
    means, spreads = images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2))

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.add_subplot()
        # One point for eight levels: single levels jump where a file format rounds.
        for share, name, series in zip(shares, _CHANNELS, (1, 2, 0), strict=True):
            axes.plot(np.arange(4, 256, 8), share.reshape(32, 8).sum(axis=1) * 100,
                      color=theme.series[series], label=name)  # fmt: skip
        axes.set_xlabel("brightness, 0 to 255")
        axes.set_ylabel("% of pixels")
        axes.set_ylim(bottom=0)
        axes.legend(loc="upper right")

    numbers = {
        name: {"mean": round(float(mean), 2), "std": round(float(std), 2), "share": share.tolist()}
        for name, mean, std, share in zip(_CHANNELS, means, spreads, shares.round(6), strict=True)
    }
    return Picture(
        "pixel-intensity",
        "Pixel intensity",
        "How often each brightness occurs in the red, green and blue of the training images.",
        "A peak at either end means images too dark or too bright; channels apart mean a tint.",
        numbers,
        draw,
    )


def duplicates(data: Dataset) -> Picture:
    """Pairs of near duplicates, side by side."""
    found = [x for x in data.duplicates if not x.exact]
    left_out = sum(x.left_out for x in found)

    def draw(figure: Figure, theme: Theme) -> None:
        grid = figure.subplots(-(-len(data.twice) // 3), 3, squeeze=False)
        for axes in grid.flat:
            axes.axis("off")
        for axes, pair in zip(grid.flat, data.twice, strict=False):
            strip(axes, pair, 2)

    return Picture(
        "duplicates",
        "Duplicates found",
        f"Pairs of images that show the same picture: {len(found):,} images have such a twin, and "
        f"{left_out:,} were left out because theirs lies on another side of the split.",
        "A pair of different pictures would be a mistake of the search; the network is never "
        "measured on a picture that it was trained on.",
        {"near_duplicates": len(found), "left_out": left_out},
        draw,
        0.1 + 0.56 * -(-len(data.twice) // 3),
        of_images=True,
    )


def strip(axes: Axes, images: npt.NDArray[np.uint8], columns: int) -> None:
    """Show images [n, side, side, 3] in a row of `columns` places."""
    side = images.shape[1]
    gap = max(side // 16, 1)
    row = np.zeros((side, columns * (side + gap) - gap, 4), np.uint8)
    for i, image in enumerate(images[:columns]):
        start = i * (side + gap)
        row[:, start : start + side] = np.dstack([image, np.full((side, side), 255, np.uint8)])
    axes.imshow(row, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)
