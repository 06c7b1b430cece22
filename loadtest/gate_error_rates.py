"""How often does the gate err? Equal candidates refused, worse ones promoted, by simulation.

A candidate and the version in service, right on 90 %, are drawn answer by answer: they differ in
`churn` of the images, evenly for an equal candidate, tilted for one that is worse. Every pair goes
through the gate itself. A cell is the share of wrong verdicts of many pairs.

    python loadtest/gate_error_rates.py [--pairs 2000] > loadtest/results/DATE-gate-error-rates.md
"""

from __future__ import annotations

import argparse
import sys

import numpy as np

from training_job.checks import Agreement, Answers, Costs
from training_job.gate import judge

RIGHT = 0.9
COSTS, ALIKE = Costs(1.0, 1000), Agreement(2000, 1.0, 1.0)
HOLDOUTS, CHURNS, CLASSES = (500, 2000, 5000), (0.02, 0.04, 0.06, 0.08), (2, 10, 100)


def draw(
    rng: np.random.Generator, images: int, classes: int, churn: float, worse: float
) -> Answers:
    """Draw both versions' answers; the candidate is `worse` in truth, a share of the images."""
    truth = rng.integers(0, classes, images)
    served = rng.random(images) < RIGHT
    loses = rng.random(images) < (churn + worse) / 2 / RIGHT
    wins = rng.random(images) < (churn - worse) / 2 / (1 - RIGHT)
    right = np.where(served, ~loses, wins)
    other = (truth + rng.integers(1, classes, images)) % classes
    return Answers(
        labels=[str(c) for c in range(classes)],
        known=np.ones(classes, bool),
        truth=truth,
        candidate=np.where(right, truth, other),
        serving=np.where(served, truth, other),
    )


def wrong_verdicts(images: int, classes: int, churn: float, worse: float, pairs: int) -> float:
    rng = np.random.default_rng((images, classes, round(churn * 100), round(worse * 100)))
    promoted = sum(
        judge(draw(rng, images, classes, churn, worse), COSTS, COSTS, ALIKE).promoted
        for _ in range(pairs)
    )
    return promoted / pairs if worse else 1 - promoted / pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=2000, help="pairs a cell")
    pairs = parser.parse_args().pairs
    print(
        f"# The gate's errors\n\n{pairs} pairs a cell; the version in service is right on 90 %.\n"
    )
    print("| holdout | classes | churn | equal, refused | 2 points worse, promoted |")
    print("|---:|---:|---:|---:|---:|")
    for images in HOLDOUTS:
        for classes in CLASSES:
            for churn in CHURNS:
                cell = f"{images} | {classes} | {100 * churn:.0f} %"
                print(f"{cell} ...", file=sys.stderr)
                refused = wrong_verdicts(images, classes, churn, 0.0, pairs)
                promoted = wrong_verdicts(images, classes, churn, 0.02, pairs)
                print(f"| {cell} | {100 * refused:.1f} % | {100 * promoted:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
