"""Checkpoints: all that a training needs to go on, in one file that is replaced whole."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from training_job.averaging import Mean, Weights

log = logging.getLogger(__name__)


@dataclass
class Curves:
    """One value an epoch. Accuracy and loss are of the augmented training images, smoothing and
    weights included in the loss; `validation_*` of images not trained on, or empty.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


@dataclass
class Standing:
    """How far a training is: whole epochs done, steps of the present one and its sums so far."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    accuracy_sum: float = 0.0
    seconds: float = 0.0
    curves: Curves = field(default_factory=Curves)
    mean: Mean = field(default_factory=Mean)
    """Of the weights at a steady rate, if the training ends with such epochs."""


def save(path: Path, network: keras.Model, standing: Standing, fingerprint: str) -> None:
    """Write weights, the optimizer's variables and the standing; `fingerprint` says of what
    training.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    told = asdict(standing)
    mean = told.pop("mean")
    told["averaged"] = mean["count"]
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez(
            file,
            **_numbered("weight", network.get_weights()),
            **_numbered("optimizer", [v.numpy() for v in network.optimizer.variables]),
            **_numbered("mean", mean["weights"] or []),
            standing=np.array(json.dumps(told)),
            fingerprint=np.array(fingerprint),
        )
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def restore(path: Path, network: keras.Model, fingerprint: str) -> Standing:
    """Load a checkpoint of the same training, if there is one, into the compiled network."""
    if not path.exists():
        return Standing()
    with np.load(path) as saved:
        if "fingerprint" not in saved or str(saved["fingerprint"]) != fingerprint:
            log.warning("%s is of another recipe, network or data set; starting afresh.", path.name)
            return Standing()
        network.set_weights(_listed("weight", saved))
        for variable, value in zip(
            network.optimizer.variables, _listed("optimizer", saved), strict=True
        ):
            variable.assign(value)
        told = json.loads(str(saved["standing"]))
        told["curves"] = Curves(**told["curves"])
        mean = Mean(told.pop("averaged"), _listed("mean", saved) or None)
        return Standing(**told, mean=mean)


def _numbered(name: str, arrays: Weights) -> dict[str, Any]:
    return {f"{name}{i}": array for i, array in enumerate(arrays)}


def _listed(name: str, saved: Any) -> Weights:
    count = sum(key.removeprefix(name).isdigit() for key in saved)
    return [saved[f"{name}{i}"] for i in range(count)]
