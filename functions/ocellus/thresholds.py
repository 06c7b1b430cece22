"""The gate's thresholds: how much worse, slower or larger a candidate may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """`alpha_*` are chances of refusing a candidate that is truly equal; together under 0.05. The
    first is as large as that allows, so that on 2,000 held-out images one that is two points worse
    hardly passes.
    """

    alpha_accuracy: float = 0.035
    """OCELLUS_GATE_ALPHA_ACCURACY: a fall of accuracy less likely than this by chance refuses."""
    alpha_recall: float = 0.01
    """OCELLUS_GATE_ALPHA_RECALL: the same for the labels' recalls, over all of them together."""
    tolerated_fall: float = 0.5
    """OCELLUS_GATE_TOLERATED_FALL: points of accuracy that may fall even beyond chance. A quick
    retrain changes few answers, so a fall of a quarter of a point can be beyond chance; what it
    learned is worth that much.
    """
    min_agreement: float = 0.98
    """OCELLUS_GATE_MIN_AGREEMENT: share of images on which int8 answers as the float network."""
    calibration_rise: float = 0.02
    """OCELLUS_GATE_CALIBRATION_RISE: how much the expected calibration error may rise."""
    latency_ratio: float = 1.5
    """OCELLUS_GATE_LATENCY_RATIO: how many times as long an inference may take."""
    size_ratio: float = 1.5
    """OCELLUS_GATE_SIZE_RATIO: how many times as large the artifact may be."""
