"""Training the whole network, from nothing or from a parent's weights."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from ocellus.runs import Progress
from training_job.augment import augmented_batches
from training_job.network import build_network, initialise


@dataclass(frozen=True)
class Recipe:
    """Every hyperparameter of a training, and its seed."""

    epochs: int = 32
    batch: int = 512
    peak_learning_rate: float = 0.4
    """Rises linearly from a fifth over the first fifth of the steps, falls linearly to zero."""
    momentum: float = 0.9
    weight_decay: float = 5e-3
    """Decoupled; kernels only."""
    label_smoothing: float = 0.1
    shift: int = 3
    """Images are shifted by up to this many pixels."""
    cutout: int = 8
    """Side of the square that is greyed out."""
    seed: int = 1


@dataclass(frozen=True)
class Curves:
    """One value an epoch."""

    loss: list[float]
    accuracy: list[float]
    seconds: list[float]


def precision() -> str:
    """Return the fastest policy that this processor runs natively."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def train(
    images: npt.NDArray[np.uint8],
    classes: npt.NDArray[np.int64],
    class_count: int,
    recipe: Recipe,
    checkpoint: Path,
    report: Callable[[Progress], None],
    parent: keras.Model | None = None,
) -> tuple[keras.Model, Curves]:
    """Train and return the network in float32, and its curves.

    Starts from `parent`'s weights if given. After each epoch everything needed to go on is written
    to `checkpoint` (one file, replaced whole); if it is there, training resumes from it.
    """
    keras.utils.set_random_seed(recipe.seed)
    batch = min(recipe.batch, max(len(images) // 8, 2))
    steps = max(len(images) // batch, 1)
    network = build_network(class_count, images.shape[1], precision())
    if parent is not None:
        network.set_weights(parent.get_weights())
    else:
        initialise(network, images)
    network.compile(
        optimizer=_optimizer(recipe, steps),
        loss=_smoothed_cross_entropy(class_count, recipe.label_smoothing),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    network.optimizer.build(network.trainable_variables)
    first, curves = _restore(network, checkpoint, recipe)
    for epoch in range(first, recipe.epochs):
        network.reset_metrics()
        started, logs = time.perf_counter(), {"loss": 0.0, "accuracy": 0.0}
        batches = augmented_batches(
            images,
            classes,
            batch=batch,
            epoch=epoch,
            shift=recipe.shift,
            cutout=recipe.cutout,
            seed=recipe.seed,
        )
        for step, (x, y) in enumerate(batches, 1):
            logs = network.train_on_batch(x, y, return_dict=True)
            rate = step * batch / (time.perf_counter() - started)
            left = ((recipe.epochs - epoch) * steps - step) * batch / rate
            report(
                Progress(
                    "train", epoch + 1, recipe.epochs, step, steps,
                    float(logs["loss"]), float(logs["accuracy"]), round(rate, 1), round(left, 1),
                )
            )  # fmt: skip
        curves.loss.append(float(logs["loss"]))
        curves.accuracy.append(float(logs["accuracy"]))
        curves.seconds.append(round(time.perf_counter() - started, 2))
        _save(network, checkpoint, epoch + 1, curves, recipe)
    exported = build_network(class_count, images.shape[1])
    exported.set_weights(network.get_weights())
    return exported, curves


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    total = recipe.epochs * steps
    optimizer = keras.optimizers.SGD(
        _Triangle(recipe.peak_learning_rate, total),
        momentum=recipe.momentum,
        nesterov=True,
        weight_decay=recipe.weight_decay,
    )
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    return optimizer


class _Triangle(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    def __init__(self, peak: float, total: int) -> None:
        self.peak, self.total = peak, total

    def __call__(self, step: Any) -> Any:
        done = keras.ops.cast(step, "float32") / self.total
        rise = 0.2 + 0.8 * done / 0.2
        fall = (1 - done) / 0.8
        return self.peak * keras.ops.maximum(keras.ops.minimum(rise, fall), 0)


def _smoothed_cross_entropy(classes: int, smoothing: float) -> Callable[[Any, Any], Any]:
    def loss(y_true: Any, y_pred: Any) -> Any:
        one_hot = keras.ops.one_hot(
            keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32"), classes
        )
        target = one_hot * (1 - smoothing) + smoothing / classes
        return keras.losses.categorical_crossentropy(target, y_pred, from_logits=True)

    return loss


def _save(network: keras.Model, path: Path, epochs: int, curves: Curves, recipe: Recipe) -> None:
    """Write weights, optimizer variables, curves and the recipe as one npz, replaced whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"w{i}": w for i, w in enumerate(network.get_weights())}
    arrays |= {f"o{i}": v.numpy() for i, v in enumerate(network.optimizer.variables)}
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            **arrays,
            epochs=np.array(epochs),
            curves=np.array([curves.loss, curves.accuracy, curves.seconds]),
            recipe=np.array(repr(asdict(recipe))),
        )
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _restore(network: keras.Model, path: Path, recipe: Recipe) -> tuple[int, Curves]:
    """Load a checkpoint of the same recipe; return the epochs it had done and its curves."""
    if not path.exists():
        return 0, Curves([], [], [])
    with np.load(path) as saved:
        if str(saved["recipe"]) != repr(asdict(recipe)):
            return 0, Curves([], [], [])
        network.set_weights([saved[f"w{i}"] for i in range(len(network.weights))])
        for i, variable in enumerate(network.optimizer.variables):
            variable.assign(saved[f"o{i}"])
        return int(saved["epochs"]), Curves(*saved["curves"].tolist())
