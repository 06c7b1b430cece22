"""Full training: the whole network, from nothing or from a parent's weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ocellus.errors import BadInput
from ocellus.ports import Blobs
from ocellus.replay import Replay, rows_to_keep
from ocellus.runs import Options
from ocellus.samples import HOLDOUT, TEST, TRAIN, Sample
from training_job.backbone import backbone_network, fit_head, has_backbone
from training_job.candidates import (
    Candidate,
    LoadedVersion,
    Served,
    agreement_of,
    extended,
    read_samples,
    unlearned,
)
from training_job.checkpoint import Curves
from training_job.data import Dataset, key_of
from training_job.duplicates import kept_apart
from training_job.evaluate import run_artifact
from training_job.export import export
from training_job.network import architecture, build_network, grow_head, initialise
from training_job.pulse import Pulse
from training_job.recipe import recipe_for
from training_job.train import train

_WATCHED = 2_000
"""So many held-out images at most are judged after each epoch, for the curves alone."""


def full_candidate(
    blobs: Blobs,
    data: Dataset,
    source: str,
    samples: list[Sample],
    *,
    parent: LoadedVersion | None,
    serving: LoadedVersion | None,
    pulse: Pulse,
    checkpoint: Path,
    options: Options,
) -> Candidate:
    """Train the whole network on a data set and the samples, from a parent's weights or none.

    `source` is the data set's blob; `serving` the version to compare with, if it can be compared.
    """
    base = parent.manifest.labels if parent else data.labels
    labels = extended(base, samples, data.labels)
    side = data.images.shape[1]
    merged = kept_apart(_merged(data, read_samples(blobs, samples, labels, side), labels))
    if not (merged.splits == HOLDOUT).any():
        raise BadInput(
            f"None of the {len(merged.keys)} images falls in the holdout, where one in ten goes.",
            "Bring more images: thirty a label is a beginning.",
        )
    network, curves, recipe = _trained(merged, len(labels), parent, pulse, checkpoint, options)
    pulse.phase("export")
    int8, float32 = export(network)
    pulse.phase("evaluate")
    rows = rows_to_keep(merged.classes, merged.keys, merged.splits)
    logits, features = run_artifact(int8, merged.images[rows])
    held_out = merged.splits[rows] == HOLDOUT
    replay = Replay(
        features.astype(np.float16),
        merged.classes[rows],
        merged.keys[rows],
        merged.splits[rows],
        np.array([key_of(s.sha256) for s in samples], np.uint64),
    )
    truth, before = merged.classes[rows][held_out], None
    if serving is not None and set(serving.manifest.labels) <= set(labels):
        answers, _ = run_artifact(serving.int8, merged.images[rows][held_out])
        before = Served.of(answers, truth, labels, serving.manifest)
    images, classes = merged.part(TEST)
    test = (run_artifact(int8, images)[0], classes) if len(images) else None
    checked = merged.images[rows][held_out][:2000]
    fresh = unlearned(samples, parent) if parent else samples
    return Candidate(
        mode="full" if parent else "from nothing",
        labels=labels,
        network=network,
        int8=int8,
        float32=float32,
        replay=replay,
        logits=logits[held_out],
        truth=truth,
        serving=before,
        test=test,
        agreement=agreement_of(network, int8, float32, checked),
        data=merged,
        recipe={"mode": "full" if parent else "from nothing", **recipe},
        dataset={
            "source": source,
            "digest": merged.digest(),
            "counts": {
                name: int((merged.splits == split).sum())
                for name, split in (("train", TRAIN), ("holdout", HOLDOUT), ("test", TEST))
            },
            "unreadable": len(data.unreadable),
            "near_duplicates_left_out": sum(x.left_out for x in merged.duplicates if not x.exact),
            "samples": len(samples),
        },
        learned=[s.sha256 for s in fresh],
        curves=curves,
    )


def _trained(
    data: Dataset,
    labels: int,
    parent: LoadedVersion | None,
    pulse: Pulse,
    checkpoint: Path,
    options: Options,
) -> tuple[keras.Model, Curves, dict[str, Any]]:
    """Return the trained network, its curves and what tells how it was trained. A backbone keeps
    its weights; its head alone is trained.
    """
    pulse.phase("train")
    images, classes = data.part(TRAIN)
    side = images.shape[1]
    recipe = recipe_for(len(images), options, gentle=parent is not None)
    keras.utils.set_random_seed(recipe.seed)
    if parent:
        network = grow_head(parent.network, labels)
    elif "backbone" in options:
        network = backbone_network(labels, side)
    else:
        network = build_network(labels, side, recipe.widths, recipe.depth)
        initialise(network, images)
    if has_backbone(network):
        fit_head(network, images, classes, recipe.seed, pulse.report)
        return network, Curves(), {"backbone": network.name, "seed": recipe.seed}
    watched, truth = data.part(HOLDOUT)
    network, curves = train(
        network,
        images,
        classes,
        recipe,
        checkpoint,
        pulse.report,
        validation=(watched[:_WATCHED], truth[:_WATCHED]),
    )
    return network, curves, asdict(recipe) | architecture(network)


def _merged(data: Dataset, samples: Dataset, labels: list[str]) -> Dataset:
    """Join the two over `labels`. An image in both counts as the data set has it, so one of its
    test images is never trained on.
    """
    index = np.array([labels.index(x) for x in data.labels])
    fresh = ~np.isin(samples.keys, data.keys)
    return Dataset(
        labels,
        np.concatenate([data.images, samples.images[fresh]]),
        np.concatenate([index[data.classes], samples.classes[fresh]]),
        np.concatenate([data.keys, samples.keys[fresh]]),
        np.concatenate([data.splits, samples.splits[fresh]]),
        data.unreadable,
        data.duplicates,
        names=data.names,
    )
