"""Training the whole network, from nothing or from a parent's weights."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from ocellus.runs import Progress
from training_job.augment import epoch_batches
from training_job.averaging import TIMES_AN_EPOCH
from training_job.checkpoint import Curves, Standing, restore, save
from training_job.network import with_precision
from training_job.optimizer import Muon
from training_job.pulse import Interrupted
from training_job.recipe import Recipe

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]

SAVE_EVERY_S = 45.0
"""A killed training loses at most this much."""
COMPILE_FROM = 50_000
"""Images in all epochs. XLA makes a step in float32 a third faster; to compile it takes as long as
some 2,000 images."""
_MOST_WEIGHT = 5.0
_AT_ONCE = 250


def precision() -> str:
    """Return the fastest policy that this processor runs natively."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "float32"
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def train(
    network: keras.Model,
    images: Images,
    classes: Classes,
    recipe: Recipe,
    checkpoint: Path,
    report: Callable[[Progress], None],
    *,
    validation: tuple[Images, Classes] | None = None,
) -> tuple[keras.Model, Curves]:
    """Train from `network`'s weights; return a trained network in float32, and the curves.

    images: [n, side, side, 3]; classes: [n]. `validation` is only watched, for the curves. With
    the recipe's patience, every tenth image is watched instead, and may end the falling rates
    early. Every 45 s, and when `report` raises Interrupted, everything needed to go on is written
    to `checkpoint`; if it is there, training resumes from it, at the very step.
    """
    fingerprint = _fingerprint(network, images, classes, recipe)
    if recipe.patience:
        aside = np.arange(len(images)) % 10 == 9
        validation = images[aside], classes[aside]
        images, classes = images[~aside], classes[~aside]
    batch = min(recipe.batch, max(len(images) // 8, 2))
    steps = max(len(images) // batch, 1)
    falling = recipe.epochs - recipe.averaged
    learner = with_precision(network, precision())
    learner.compile(
        optimizer=Muon(recipe, falling * steps, batch, learner.get_layer("logits")),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing, reduction="sum"
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=precision() == "float32" and recipe.epochs * len(images) > COMPILE_FROM,
    )
    learner.optimizer.build(learner.trainable_variables)
    weights = class_weights(classes, network.output_shape[1], balance=recipe.balance)
    now = restore(checkpoint, learner, fingerprint)
    curves = now.curves
    saved_at = time.monotonic()
    while now.epoch < recipe.epochs:
        began, first, spent = time.monotonic(), now.step, now.seconds
        batches = epoch_batches(
            images, classes, weights, recipe, batch=batch, epoch=now.epoch, first=first
        )
        for made in batches:
            learner.reset_metrics()
            logs = learner.train_on_batch(
                made.images, made.targets, sample_weight=made.weights, return_dict=True
            )
            now.step += 1
            now.loss_sum += float(logs["loss"]) / len(made.images)
            now.accuracy_sum += float(logs["accuracy"])
            if now.epoch >= falling and now.step % max(steps // TIMES_AN_EPOCH, 1) == 0:
                now.mean.add(learner.get_weights())
            now.seconds = spent + time.monotonic() - began
            rate = (now.step - first) / (now.seconds - spent)
            try:
                report(_progress(now, recipe, steps, batch, rate))
            except Interrupted:
                save(checkpoint, learner, now, fingerprint)
                raise
            if time.monotonic() - saved_at > SAVE_EVERY_S:
                save(checkpoint, learner, now, fingerprint)
                saved_at = time.monotonic()
        curves.loss.append(now.loss_sum / now.step)
        curves.accuracy.append(now.accuracy_sum / now.step)
        if validation is not None and len(validation[0]):
            _watch(learner, *validation, curves)
        curves.seconds.append(round(spent + time.monotonic() - began, 2))
        now = Standing(epoch=now.epoch + 1, curves=curves, mean=now.mean)
        if now.epoch < falling and _given_up(curves, recipe):
            now.epoch = falling
            learner.optimizer.iterations.assign(falling * steps)
    save(checkpoint, learner, now, fingerprint)
    trained = with_precision(network, "float32")
    trained.set_weights(now.mean.weights or learner.get_weights())
    return trained, curves


def class_weights(classes: Classes, count: int, *, balance: bool) -> npt.NDArray[np.float32]:
    """Return a weight a class [count] that gives rare ones more of a say, at most 5 times as much
    as the average class has; the mean over the images is 1.
    """
    sizes = np.bincount(classes, minlength=count)
    if not balance:
        return np.ones(count, np.float32)
    weights = np.minimum(
        sizes.sum() / np.maximum(sizes, 1) / max((sizes > 0).sum(), 1), _MOST_WEIGHT
    )
    return np.asarray(weights / (weights @ sizes / sizes.sum()), np.float32)


def _given_up(curves: Curves, recipe: Recipe) -> bool:
    """Tell whether the validation loss has not fallen for as long as the recipe waits."""
    losses = curves.validation_loss
    return bool(recipe.patience and losses and len(losses) - np.argmin(losses) > recipe.patience)


def _watch(network: keras.Model, images: Images, classes: Classes, curves: Curves) -> None:
    logits = np.concatenate(
        [
            network.predict_on_batch(images[start : start + _AT_ONCE])
            for start in range(0, len(images), _AT_ONCE)
        ]
    )
    likelihood = log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(classes)), classes]
    curves.validation_loss.append(float(-likelihood.mean()))
    curves.validation_accuracy.append(float((logits.argmax(axis=1) == classes).mean()))


def _progress(now: Standing, recipe: Recipe, steps: int, batch: int, rate: float) -> Progress:
    """`rate`: steps a second."""
    left = (recipe.epochs - now.epoch) * steps - now.step
    return Progress(
        "train",
        epoch=now.epoch + 1,
        epochs=recipe.epochs,
        step=now.step,
        steps=steps,
        loss=now.loss_sum / now.step,
        accuracy=now.accuracy_sum / now.step,
        steps_per_s=round(rate, 2),
        images_per_s=round(rate * batch, 1),
        seconds_left=round(left / rate, 1),
    )


def _fingerprint(network: keras.Model, images: Images, classes: Classes, recipe: Recipe) -> str:
    """Return what tells one training from another: recipe, layers, data set."""
    shapes = [weights.shape for weights in network.get_weights()]
    sums = [zlib.crc32(np.ascontiguousarray(array).data) for array in (images, classes)]
    return json.dumps({"recipe": asdict(recipe), "shapes": shapes, "data": sums})
