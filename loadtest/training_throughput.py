"""What does the trainer cost beside the bare Keras loop? Images a second, on the same network.

The bare loop is `train_on_batch` over arrays in memory, which is faster here than `fit`: the same
layers, precision, optimizer, loss, batch size and compilation, but no augmentation, checkpoints,
progress or lease. Both are timed from the end of the first epoch, which compiles, to the end of the
last, and take turns.

    python loadtest/training_throughput.py DATASET [--rounds 3] > DATE-training-throughput.md

DATASET is CIFAR-10 as a folder, zip or tar with `train/label/image`.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import keras
import numpy as np
import numpy.typing as npt

from ocellus.ports import State
from ocellus.samples import TRAIN
from training_job.data import read_dataset
from training_job.network import build_network, initialise, with_precision
from training_job.optimizer import Muon
from training_job.pulse import Pulse
from training_job.recipe import recipe_for
from training_job.train import precision, train

IMAGES = 15_000
EPOCHS = 3
RECIPE = recipe_for(IMAGES, {"epochs": EPOCHS})

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]


def by_trainer(images: Images, classes: Classes) -> float:
    """Return images a second of `train`, told step by step to a run's pulse."""
    state = cast(State, SimpleNamespace(renew_lease=lambda *beat: None))
    with (
        tempfile.TemporaryDirectory() as folder,
        Pulse(state, "r1", "loadtest", 60, threading.Event()) as pulse,
        contextlib.redirect_stdout(sys.stderr),
    ):
        _, curves = train(
            network_for(images), images, classes, RECIPE, Path(folder) / "c.npz", pulse.report
        )
    return _rate(images, sum(curves.seconds[1:]))


def by_keras(images: Images, classes: Classes) -> float:
    """Return images a second of Keras's own loop."""
    learner = with_precision(network_for(images), precision())
    steps = len(images) // RECIPE.batch
    learner.compile(
        optimizer=Muon(RECIPE, EPOCHS * steps, RECIPE.batch, learner.get_layer("logits")),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=RECIPE.label_smoothing, reduction="sum"
        ),
        metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
        jit_compile=False,  # as the trainer, which is faster so in bfloat16
    )
    targets = np.eye(classes.max() + 1, dtype=np.float32)[classes]
    for epoch in range(EPOCHS):
        if epoch == 1:
            began = time.monotonic()
        for start in range(0, steps * RECIPE.batch, RECIPE.batch):
            rows = slice(start, start + RECIPE.batch)
            learner.train_on_batch(images[rows], targets[rows])
    return _rate(images, time.monotonic() - began)


def network_for(images: Images) -> keras.Model:
    keras.utils.set_random_seed(1)
    network = build_network(10, images.shape[1], RECIPE.widths, RECIPE.depth)
    initialise(network, images)
    return network


def _rate(images: Images, seconds: float) -> float:
    return (EPOCHS - 1) * len(images) / seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--rounds", type=int, default=3, help="both in turn, this often")
    given = parser.parse_args()
    images, classes = read_dataset(given.dataset, 32).part(TRAIN)
    images, classes = images[:IMAGES], classes[:IMAGES]
    print(f"# Training throughput, {precision()}\n")
    print("| round | trainer, images/s | bare Keras, images/s | share, % |\n|---:|---:|---:|---:|")
    shares = []
    for turn in range(1, given.rounds + 1):
        order = (by_trainer, by_keras) if turn % 2 else (by_keras, by_trainer)
        rates = {measure: measure(images, classes) for measure in order}
        ours, bare = rates[by_trainer], rates[by_keras]
        shares.append(100 * ours / bare)
        print(f"| {turn} | {ours:.0f} | {bare:.0f} | {shares[-1]:.1f} |", flush=True)
    print(f"\nMedian share: {statistics.median(shares):.1f} %.")


if __name__ == "__main__":
    main()
