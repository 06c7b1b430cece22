"""The network: a whitened, plain or residual convolutional net in the shape of airbench.

Source: Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv:2404.00498.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

WHITENED = 24
_STRIDED_FROM = 64
_LAST_MAP = 5
_WHITEN_EPSILON = 5e-4
_FLOAT32 = frozenset({"scale", "whiten", "features", "logits"})
"""Layers that keep float32 under any policy. Whitening multiplies faint directions by up to 45,
and with them the rounding of bfloat16."""


def build_network(
    classes: int, side: int, widths: tuple[int, ...] = (64, 128, 256), depth: int = 2
) -> keras.Model:
    """Return the network in float32: uint8-valued [n, side, side, 3] to logits [n, classes].

    The layer `features` gives the head's input; normalisation is inside. `widths` are the channels
    of the blocks, each of which halves the map; a larger image has more and narrower ones in front,
    so that the last map is 3 to 5 pixels wide and the cost grows little. A block has `depth`
    convolutions; with 3 the last two are skipped around.
    Source of the skip: github.com/KellerJordan/cifar10-airbench, airbench96.
    """
    stride = 2 if side >= _STRIDED_FROM else 1
    inputs = keras.Input((side, side, 3), name="image")
    x = keras.layers.Rescaling(1 / 64, offset=-127.5 / 64, name="scale")(inputs)
    x = keras.layers.Conv2D(WHITENED, 2, stride, name="whiten", trainable=False)(x)
    x = keras.layers.Activation("silu")(x)
    for block, width in enumerate(_all_widths(x.shape[1], widths), 1):
        x = keras.layers.MaxPool2D(2)(_convolution(width, f"conv{block}a")(x))
        x = start = keras.layers.Activation("silu")(_normalisation(f"norm{block}a")(x))
        for letter in "bc"[: depth - 1]:
            x = _convolution(width, f"conv{block}{letter}")(x)
            x = _normalisation(f"norm{block}{letter}")(x)
            if letter == "c":
                x = keras.layers.Add(name=f"skip{block}")([x, start])
            x = keras.layers.Activation("silu")(x)
    x = keras.layers.GlobalMaxPooling2D()(x)
    # Source: the logit scale of David Page, "How to Train Your ResNet", part 4.
    x = keras.layers.Rescaling(1 / 8, name="features")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x))


def _all_widths(size: int, widths: tuple[int, ...]) -> tuple[int, ...]:
    """Return `widths` with narrower ones in front until the last map is small; at least 16."""
    while size >> len(widths) > _LAST_MAP:
        widths = (max(widths[0] // 2, 16), *widths)
    return widths


def _convolution(width: int, name: str) -> keras.layers.Layer:
    uniform = keras.initializers.VarianceScaling(1 / 3, mode="fan_in", distribution="uniform")
    return keras.layers.Conv2D(
        width, 3, padding="same", use_bias=False, kernel_initializer=uniform, name=name
    )


def _normalisation(name: str) -> keras.layers.Layer:
    return keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5, scale=False, name=name)


def initialise(network: keras.Model, images: npt.NDArray[np.uint8]) -> None:
    """Set the first layer to whiten 2x2 patches of `images`, the convolutions to pass their
    input through (dirac) beside their random start, the head's kernel to a standard deviation of
    8 / features.

    Source: arXiv:2404.00498, sections 3.1 and 3.2; the head as in airbench94_muon.
    """
    x = (images[:5000].astype(np.float32) - 127.5) / 64
    patches = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))[:, ::2, ::2]
    flat = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))
    kernel = vectors / np.sqrt(values + _WHITEN_EPSILON)
    kernel = np.concatenate([kernel, -kernel], axis=-1)
    bias = -flat.mean(axis=0) @ kernel
    network.get_layer("whiten").set_weights([kernel.reshape(2, 2, 3, WHITENED), bias])
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "whiten":
            (weights,) = layer.get_weights()
            for i in range(min(weights.shape[2:])):
                weights[:, :, i, i] = 0
                weights[1, 1, i, i] = 1
            layer.set_weights([weights])
    head = network.get_layer("logits")
    kernel, bias = head.get_weights()
    head.set_weights([kernel * (8 / (len(kernel) * kernel.std())), bias])


def architecture(network: keras.Model) -> dict[str, Any]:
    """Return what a version's recipe says of its network: the blocks' widths and their depth."""
    names = [layer.name for layer in network.layers]
    blocks = [name for name in names if name.startswith("conv") and name.endswith("a")]
    return {
        "widths": [network.get_layer(name).filters for name in blocks],
        "depth": sum(name.startswith("conv1") for name in names),
    }


def with_precision(network: keras.Model, dtype: str) -> keras.Model:
    """Return a network of the same layers and weights under another dtype policy, `float32` or
    `mixed_bfloat16`. Its input, `features` and `logits` stay float32.
    """

    def change(layer: keras.layers.Layer) -> Mapping[str, Any]:
        return {"dtype": "float32" if layer.name in _FLOAT32 else dtype}

    clone = _clone(network, change)
    clone.set_weights(network.get_weights())
    return clone


def grow_head(network: keras.Model, classes: int) -> keras.Model:
    """Return a network with the same extractor and a head for `classes` >= today's: known rows
    kept, new rows zero with a bias under the least of the known.
    """

    def change(layer: keras.layers.Layer) -> Mapping[str, Any]:
        return {"units": classes} if layer.name == "logits" else {}

    grown = _clone(network, change)
    *extractor, kernel, bias = network.get_weights()
    extra = classes - bias.size
    grown.set_weights(
        [
            *extractor,
            np.pad(kernel, ((0, 0), (0, extra))),
            np.pad(bias, (0, extra), constant_values=bias.min()),
        ]
    )
    return grown


def _clone(
    network: keras.Model, change: Callable[[keras.layers.Layer], Mapping[str, Any]]
) -> keras.Model:
    """Return the network built anew with some layers' configuration changed, weights not set."""

    def changed(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | change(layer))

    return keras.models.clone_model(network, clone_function=changed)


def with_features(network: keras.Model) -> keras.Model:
    """Return the network as it is exported: outputs `logits` and `features`."""
    features = network.get_layer("features").output
    return keras.Model(network.input, {"logits": network.output, "features": features})


def load_network(path: Path) -> keras.Model:
    """Load a version's `model.keras`; refuses anything but plain weights and layers."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
