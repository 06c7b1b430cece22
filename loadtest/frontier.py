"""Which network? Accuracy against LiteRT latency, every network trained by the same recipe.

Each is trained from nothing for a few epochs and judged as it would be served: the int8 artifact on
every test image, one view, one thread. The shipped shape is trained with three seeds. What is
finished stays in the work folder, so a run that was stopped goes on.

    python loadtest/frontier.py DATASET [--epochs 3] [--work FOLDER] > DATE-frontier.md

DATASET is CIFAR-10 as a folder, zip or tar with `train/label/image` and `test/label/image`. The
picture goes to the work folder.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure

from ocellus.samples import TEST, TRAIN
from training_job.data import Dataset, read_dataset
from training_job.duplicates import kept_apart
from training_job.evaluate import latencies_ms, run_artifact
from training_job.export import export
from training_job.network import build_network, initialise
from training_job.plots.style import LIGHT, Picture, Theme, render
from training_job.recipe import Recipe, recipe_for
from training_job.train import train

SHIPPED = Recipe()
SIDE = 32
NETWORKS: tuple[tuple[tuple[int, ...], int], ...] = (
    ((32, 64, 128), 2),
    ((64, 128, 256), 2),
    ((64, 128, 256), 3),
    ((64, 256, 256), 2),
    (SHIPPED.widths, SHIPPED.depth),
)
SEEDS = (1, 2, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--epochs", type=int, default=3, help="of every training")
    parser.add_argument(
        "--work", type=Path, default=Path("frontier-work"), help="goes on from here"
    )
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    data = kept_apart(read_dataset(given.dataset, SIDE))
    shipped = recipe_for(len(data.images), {"epochs": given.epochs})
    recipes = [replace(shipped, widths=w, depth=d) for w, d in NETWORKS]
    trainings = [*recipes, *(replace(shipped, seed=seed) for seed in SEEDS[1:])]
    for recipe in trainings:
        measured(recipe, data, given.work)
    found = [measured(recipe, data, given.work) for recipe in recipes]
    artifacts = [artifact_of(recipe, given.work).read_bytes() for recipe in recipes]
    latencies = latencies_ms(artifacts, data.part(TEST)[0][0], 1_000)  # in turn, in one run
    print(f"# Accuracy against latency: {given.epochs} epochs each, int8, one view, one thread\n")
    print("| blocks | convolutions in each | parameters | size, MB | latency, ms | accuracy, % |")
    print("|---|---:|---:|---:|---:|---:|")
    for recipe, net, artifact, ms in zip(recipes, found, artifacts, latencies, strict=True):
        print(f"| {shape(recipe)} | {recipe.depth} | {net['parameters']:,} |"
              f" {len(artifact) / 1e6:.2f} | {ms:.2f} | {100 * net['accuracy']:.2f} |")  # fmt: skip
    seeds = [measured(replace(shipped, seed=s), data, given.work)["accuracy"] for s in SEEDS]
    print(
        f"\nThe shipped network, {given.epochs} epochs, seeds {', '.join(map(str, SEEDS))}: "
        f"{', '.join(f'{100 * a:.2f}' for a in seeds)} %; mean {100 * np.mean(seeds):.2f}, "
        f"standard deviation {100 * np.std(seeds, ddof=1):.2f}."
    )
    names = [f"{shape(r)} x {r.depth}" for r in recipes]
    picture = drawn(names, latencies, [net["accuracy"] for net in found])
    (given.work / "frontier.png").write_bytes(render(picture, LIGHT))


def measured(recipe: Recipe, data: Dataset, work: Path) -> dict[str, Any]:
    """Train and judge a network, once."""
    known = artifact_of(recipe, work).with_suffix(".json")
    if not known.exists():
        print(f"{known.stem} ...", file=sys.stderr)
        images, classes = data.part(TRAIN)
        keras.utils.set_random_seed(recipe.seed)
        network = build_network(len(data.labels), SIDE, recipe.widths, recipe.depth)
        initialise(network, images)
        checkpoint = work / f"{known.stem}.npz"
        network, curves = train(network, images, classes, recipe, checkpoint, lambda progress: None)
        checkpoint.unlink()
        artifact, _ = export(network)
        artifact_of(recipe, work).write_bytes(artifact)
        images, classes = data.part(TEST)
        right = run_artifact(artifact, images)[0].argmax(axis=1) == classes
        known.write_text(
            json.dumps(
                {
                    "accuracy": float(right.mean()),
                    "parameters": network.count_params(),
                    "seconds": curves.seconds,
                }
            )
        )
    return dict(json.loads(known.read_text()))


def artifact_of(recipe: Recipe, work: Path) -> Path:
    name = f"{'-'.join(map(str, recipe.widths))}x{recipe.depth}-{recipe.epochs}-{recipe.seed}"
    return work / f"{name}.tflite"


def shape(recipe: Recipe) -> str:
    return "/".join(map(str, recipe.widths))


def drawn(names: list[str], latencies: list[float], accuracies: list[float]) -> Picture:
    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.subplots()
        for i, (name, x, y) in enumerate(zip(names, latencies, accuracies, strict=True)):
            axes.plot(x, 100 * y, "o", color=theme.accent)
            beside = (0, -12 if i % 2 else 6)  # neighbours would overlap
            axes.annotate(name, (x, 100 * y), beside, textcoords="offset points", ha="center")
        axes.set_xlabel("one image on one thread, ms")
        axes.set_ylabel("right, %")
        axes.margins(x=0.3, y=0.15)
        axes.grid(visible=True)

    return Picture("frontier", "", "", "", None, draw)


if __name__ == "__main__":
    main()
