"""The picture of a training: its curves."""

from __future__ import annotations

from dataclasses import asdict

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training_job.checkpoint import Curves
from training_job.plots.style import Picture, Theme


def training_curves(curves: Curves) -> Picture:
    """Loss and accuracy by epoch."""
    epochs = range(1, len(curves.loss) + 1)

    def draw(figure: Figure, theme: Theme) -> None:
        above, below = figure.subplots(2, 1, sharex=True)
        for axes, trained, watched, scale, name in (
            (above, curves.accuracy, curves.validation_accuracy, 100, "accuracy, %"),
            (below, curves.loss, curves.validation_loss, 1, "loss"),
        ):
            axes.plot(epochs, [scale * v for v in trained], color=theme.series[0], marker=".",
                      label="training, augmented")  # fmt: skip
            if watched:
                axes.plot(epochs, [scale * v for v in watched], color=theme.series[1], marker=".",
                          linestyle="--", label="validation")  # fmt: skip
            axes.set_ylabel(name)
            axes.grid(axis="y")
        below.set_xlabel("epoch")
        below.xaxis.set_major_locator(MaxNLocator(integer=True))
        above.legend(loc="lower right")

    return Picture(
        "training-curves",
        "Training and validation",
        "Accuracy and loss after each epoch, on the augmented training images and on images that "
        "were not trained on.",
        "Both rising is learning; training rising alone is memorising. The two losses are not of "
        "one scale: the training's has smoothed labels and harder, augmented images.",
        asdict(curves),
        draw,
        3.4,
    )
