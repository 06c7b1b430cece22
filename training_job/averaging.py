"""Averaging: the mean of the weights that a training passes through at a steady rate.

Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", UAI
2018. Their last pass, which measures the normalisation layers' means and variances anew, is left
out: kernels keep their norm, and with the mean of those layers' own the network was right more
often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Weights = list[npt.NDArray[Any]]

TIMES_AN_EPOCH = 8
"""So often an epoch's weights are taken into the mean."""


@dataclass
class Mean:
    """A running mean of weights, None of none."""

    count: int = 0
    weights: Weights | None = None

    def add(self, weights: Weights) -> None:
        """Take one more into the mean."""
        self.count += 1
        if self.weights is None:
            self.weights = [new.copy() for new in weights]
        for mean, new in zip(self.weights, weights, strict=True):
            mean += (new - mean) / self.count
