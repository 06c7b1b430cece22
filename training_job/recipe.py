"""The recipe: every hyperparameter of a training, and what suits a data set's size."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ocellus.runs import Options

SMALL = 5_000
"""Fewer training images than this are a small set."""
GENTLE_EPOCHS = 5
MOBILENET = "mobilenet_v3_small"
"""The backbone that a training may ask for."""
MOBILENET_SIDE = 224
"""What its weights were made for."""


@dataclass(frozen=True)
class Recipe:
    """The defaults suit CIFAR-10: tens of thousands of small images.

    Source of optimizer, rates and label smoothing: github.com/KellerJordan/cifar10-airbench,
    airbench94_muon, for batches of 2,000; the kernels' rate and momentum are set for smaller ones.
    Shift and cutout for many epochs: airbench96.
    """

    widths: tuple[int, ...] = (64, 256, 256)
    depth: int = 3
    """Channels of the blocks, and convolutions in each."""
    epochs: int = 62
    batch: int = 500
    kernel_rate: float = 0.08
    """Muon: how far a convolution's kernel turns in a step, as a share of its norm."""
    kernel_momentum: float = 0.8
    bias_rate: float = 0.053
    """SGD over the sum of a batch's losses."""
    head_rate: float = 0.67
    """The same for the head, were its features divided by their number."""
    momentum: float = 0.85
    """Of biases and head, Nesterov's."""
    weight_decay: float = 2e-6
    """Of biases and head, an example, decoupled from the rate. Kernels keep their norm."""
    label_smoothing: float = 0.2
    shift: int = 4
    """Images are shifted by up to this many pixels."""
    scale: float = 1.0
    """Least share of the side that a random crop keeps before it is resized; 1 crops nothing."""
    colour: float = 0.0
    """Brightness, contrast and saturation change by up to this share."""
    cutout: float = 0.375
    """Side of the square that is greyed out, as a share of the image's side."""
    mixup: float = 0.0
    """Alpha of the beta distribution by which two images are mixed; 0 mixes none."""
    balance: bool = True
    """Whether rare labels weigh more."""
    averaged: int = 12
    """So many of the epochs, the last ones, go on at steady rates, and the mean of the weights that
    they pass through is what was learned."""
    averaged_rate: float = 0.15
    """The steady rates, as a share of the first."""
    patience: int = 0
    """After so many epochs without a better validation loss the averaged epochs follow at once; the
    validation images, a tenth, are set aside from the training images. 0 goes through all epochs.
    """
    seed: int = 1


def recipe_for(images: int, options: Options, *, gentle: bool = False) -> Recipe:
    """Return the recipe that suits a number of training images, with `options`' epochs and seed.

    `gentle` is for a network that has learned already: steady rates alone.
    """
    recipe = _by_size(images)
    epochs = int(options.get("epochs", GENTLE_EPOCHS if gentle else recipe.epochs))
    return replace(
        recipe,
        epochs=epochs,
        averaged=epochs if gentle else min(recipe.averaged, epochs // 5),
        patience=0 if gentle else recipe.patience,
        seed=int(options.get("seed", recipe.seed)),
    )


def _by_size(images: int) -> Recipe:
    if images >= SMALL:
        return Recipe()
    batch = 16 if images < 500 else 32 if images < 2_000 else 64
    # About as many steps for 300 images as for 3,000, between 20 and 80 epochs.
    epochs = max(20, min(80, 1_200 * batch // max(images, 1)))
    return Recipe(
        widths=(64, 128, 256),
        depth=2,
        epochs=epochs,
        batch=batch,
        kernel_rate=0.03,
        kernel_momentum=0.9,
        scale=0.6,
        colour=0.3,
        cutout=0.25,
        mixup=0.2,
        averaged=epochs // 5,
        patience=max(8, epochs // 4),
    )
