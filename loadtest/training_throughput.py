"""What does the trainer cost beside the bare Keras loop? Images a second, on the same network.

The bare loop is `train_on_batch` over arrays in memory, which is faster here than `fit`: the same
layers, precision, optimizer, loss, batch size and compilation, but no augmentation, checkpoints,
progress or lease. A machine's speed drifts by more than the two differ, so they take turns every
few steps, in one process, and each turn of the one is compared with the other's beside it. The
first epoch, which compiles, does not count.

    python loadtest/training_throughput.py DATASET [--epochs 4] > DATE-training-throughput.md

DATASET is CIFAR-10 as a folder, zip or tar with `train/label/image`.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import keras
import numpy as np
import numpy.typing as npt

from ocellus.ports import State
from ocellus.runs import Progress
from ocellus.samples import TRAIN
from training_job.data import read_dataset
from training_job.network import build_network, initialise, with_precision
from training_job.optimizer import Muon
from training_job.pulse import Pulse
from training_job.recipe import Recipe, recipe_for
from training_job.train import precision, train

IMAGES = 15_000
TURN = 5
"""Steps. A few batches are made ahead, so the trainer has some of its batches made in the other's
turn: less than 1 % of its work.
"""

Images = npt.NDArray[np.uint8]
Classes = npt.NDArray[np.int64]


class Bare:
    """Keras's own loop, a step at a time."""

    def __init__(self, images: Images, classes: Classes, recipe: Recipe) -> None:
        self._images, self._batch = images, recipe.batch
        self._targets = np.eye(classes.max() + 1, dtype=np.float32)[classes]
        self._steps = len(images) // recipe.batch
        self._learner = with_precision(network_for(images, recipe), precision())
        self._learner.compile(
            optimizer=Muon(
                recipe,
                recipe.epochs * self._steps,
                recipe.batch,
                self._learner.get_layer("logits"),
            ),
            loss=keras.losses.CategoricalCrossentropy(
                from_logits=True, label_smoothing=recipe.label_smoothing, reduction="sum"
            ),
            metrics=[keras.metrics.CategoricalAccuracy(name="accuracy")],
            jit_compile=False,  # as the trainer, which is faster so in bfloat16
        )
        self._done = 0

    def step(self) -> None:
        first = self._done % self._steps * self._batch
        rows = slice(first, first + self._batch)
        self._learner.train_on_batch(self._images[rows], self._targets[rows])
        self._done += 1


class Turns:
    """Stands between the trainer and its run's pulse, and lets the bare loop have every other
    turn. `pairs` holds the seconds of both, turn by turn.
    """

    def __init__(self, bare: Bare, report: Callable[[Progress], None]) -> None:
        self._bare, self._report = bare, report
        self.pairs: list[tuple[float, float]] = []
        self._steps = 0
        self._began = time.perf_counter()

    def __call__(self, progress: Progress) -> None:
        self._report(progress)
        self._steps += 1
        if self._steps % TURN == 0:
            trainer_s = time.perf_counter() - self._began
            began = time.perf_counter()
            for _ in range(TURN):
                self._bare.step()
            if progress.epoch > 1:
                self.pairs.append((trainer_s, time.perf_counter() - began))
            self._began = time.perf_counter()


def network_for(images: Images, recipe: Recipe) -> keras.Model:
    keras.utils.set_random_seed(1)
    network = build_network(10, images.shape[1], recipe.widths, recipe.depth)
    initialise(network, images)
    return network


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--epochs", type=int, default=4, help=f"of {IMAGES:,} images, 2 or more")
    given = parser.parse_args()
    images, classes = read_dataset(given.dataset, 32).part(TRAIN)
    images, classes = images[:IMAGES], classes[:IMAGES]
    recipe = recipe_for(IMAGES, {"epochs": given.epochs})
    state = cast(State, SimpleNamespace(renew_lease=lambda *beat: None))
    with (
        tempfile.TemporaryDirectory() as folder,
        Pulse(state, "r1", "loadtest", 60, threading.Event()) as pulse,
        contextlib.redirect_stdout(sys.stderr),
    ):
        turns = Turns(Bare(images, classes, recipe), pulse.report)
        checkpoint = Path(folder) / "c.npz"
        train(network_for(images, recipe), images, classes, recipe, checkpoint, turns)
    trainer_s, bare_s = np.array(turns.pairs).T
    shares = 100 * bare_s / trainer_s
    count = TURN * recipe.batch
    print(f"# Training throughput, {precision()}\n")
    print(f"{len(shares)} turns each of {TURN} steps of {recipe.batch} images.\n")
    print("| | trainer | bare Keras |\n|---|---:|---:|")
    print(f"| images/s, all turns | {len(shares) * count / trainer_s.sum():.0f} |"
          f" {len(shares) * count / bare_s.sum():.0f} |")  # fmt: skip
    print(f"| images/s, median turn | {count / np.median(trainer_s):.0f} |"
          f" {count / np.median(bare_s):.0f} |\n")  # fmt: skip
    error = shares.std(ddof=1) / len(shares) ** 0.5
    print(
        f"The trainer has {100 * bare_s.sum() / trainer_s.sum():.1f} % of the bare loop's images a "
        f"second; turn by turn {shares.mean():.1f} % with a standard error of {error:.1f}."
    )


if __name__ == "__main__":
    main()
