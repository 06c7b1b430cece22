"""The network: a whitened, plain convolutional net in the shape of airbench94.

Source: Keller Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv:2404.00498;
the width of the second block is halved, which halves the cost.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

WHITENED, WIDTHS = 24, (64, 128, 256)


def build_network(classes: int, side: int, dtype: str = "float32") -> keras.Model:
    """Return the network: uint8-valued [n, side, side, 3] to logits float32 [n, classes].

    The layer `features` gives the head's input; normalisation is inside. Weights do not depend on
    `dtype`, so they move between a mixed-precision network and a float32 one.
    """
    policy = keras.DTypePolicy(dtype)
    inputs = keras.Input((side, side, 3), name="image")
    x = keras.layers.Rescaling(1 / 64, offset=-127.5 / 64, dtype=policy)(inputs)
    x = keras.layers.Conv2D(WHITENED, 2, dtype=policy, name="whiten", trainable=False)(x)
    x = keras.layers.Activation("gelu", dtype=policy)(x)
    for block, width in enumerate(WIDTHS, 1):
        for half in "ab":
            x = keras.layers.Conv2D(
                width, 3, padding="same", use_bias=False, dtype=policy, name=f"conv{block}{half}"
            )(x)
            if half == "a":
                x = keras.layers.MaxPool2D(2, dtype=policy)(x)
            x = keras.layers.BatchNormalization(
                momentum=0.9, dtype=policy, name=f"norm{block}{half}"
            )(x)
            x = keras.layers.Activation("gelu", dtype=policy)(x)
    x = keras.layers.GlobalMaxPooling2D(dtype=policy)(x)
    # Source: the logit scale of David Page, "How to Train Your ResNet", part 4.
    x = keras.layers.Rescaling(1 / 8, dtype="float32", name="features")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, dtype="float32", name="logits")(x))


def initialise(network: keras.Model, images: npt.NDArray[np.uint8]) -> None:
    """Set the first layer to whiten 2x2 patches of `images` and the convolutions to pass their
    input through (dirac) beside their random start.

    Source: arXiv:2404.00498, sections 3.1 and 3.2.
    """
    x = (images[:5000].astype(np.float32) - 127.5) / 64
    patches = np.lib.stride_tricks.sliding_window_view(x, (2, 2), axis=(1, 2))[:, ::2, ::2]
    flat = patches.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 12)
    values, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))
    kernel = (vectors / np.sqrt(values + 5e-2)).reshape(2, 2, 3, 12)
    whiten = network.get_layer("whiten")
    whiten.set_weights([np.concatenate([kernel, -kernel], axis=-1), np.zeros(WHITENED)])
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name != "whiten":
            (weights,) = layer.get_weights()
            for i in range(min(weights.shape[2:])):
                weights[:, :, i, i] = 0
                weights[1, 1, i, i] = 1
            layer.set_weights([weights])


def grow_head(network: keras.Model, classes: int) -> keras.Model:
    """Return a float32 network with the same extractor and a head for `classes` >= today's:
    known rows kept, new rows zero with a bias under the least of the known.
    """
    grown = build_network(classes, network.input_shape[1])
    for layer in grown.layers:
        if layer.name != "logits":
            layer.set_weights(network.get_layer(layer.name).get_weights() if layer.weights else [])
    kernel, bias = network.get_layer("logits").get_weights()
    extra = classes - bias.size
    grown.get_layer("logits").set_weights(
        [np.pad(kernel, ((0, 0), (0, extra))), np.pad(bias, (0, extra), constant_values=bias.min())]
    )
    return grown


def with_features(network: keras.Model) -> keras.Model:
    """Return the network as it is exported: outputs `logits` and `features`."""
    features = network.get_layer("features").output
    return keras.Model(network.input, {"logits": network.output, "features": features})


def load_network(path: Path) -> keras.Model:
    """Load a version's `model.keras`; refuses anything but plain weights and layers."""
    return keras.saving.load_model(path, compile=False, safe_mode=True)
