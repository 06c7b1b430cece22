"""The gate: is the candidate fit to replace the version in service? In figures and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from training_job.evaluate import Classes

ALPHA_ACCURACY = 0.035
ALPHA_RECALL = 0.01
"""Together under 0.05: the chance of refusing a candidate that is truly equal. The first is as
large as that allows, so that on 2,000 held-out images one that is two points worse hardly passes.
"""
TOLERATED_FALL = 0.5
"""Points of accuracy. A quick retrain changes few answers, so even a fall of a quarter of a point
can be beyond chance; what it learned is worth that much.
"""
MIN_HELD_OUT = 5
"""Fewer held-out images than this say nothing of a label."""
MIN_PLAUSIBLE = 0.3
MIN_NEW_LABEL_RECALL = 0.5
MIN_AGREEMENT = 0.98
MAX_LATENCY_RATIO = 1.5
MAX_SIZE_RATIO = 1.5


@dataclass(frozen=True)
class Answers:
    """Both versions' answers on the same holdout, as classes of the candidate's labels.

    truth, candidate, serving: int64 [n]. known: bool [labels], whether the serving version knows
    the label; a row whose label it does not know counts for the new label alone.
    """

    labels: list[str]
    known: npt.NDArray[np.bool_]
    truth: Classes
    candidate: Classes
    serving: Classes


@dataclass(frozen=True)
class Fresh:
    """How the new samples of known labels fare: on how many the serving version agrees with the
    given label, and on how many of those held out the candidate does.
    """

    count: int
    agreed: int
    held_out: int
    learned: int


@dataclass(frozen=True)
class Costs:
    """Of one artifact: median latency of one image, and size."""

    latency_ms: float
    size_bytes: int


@dataclass(frozen=True)
class Check:
    """One question that the gate asked, and the answer in words and figures."""

    name: str
    passed: bool
    sentence: str
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    """`sentence` begins with `promoted:` or `refused:` and gives the reasons."""

    promoted: bool
    sentence: str
    checks: list[Check]


def judge(
    answers: Answers | None,
    candidate: Costs,
    serving: Costs | None,
    agreement: float,
    fresh: Fresh | None = None,
) -> Verdict:
    """Compare. Without answers and serving costs there is nothing to compare with: a first
    version, which only has to agree with itself.

    `agreement` is the share of images on which the int8 artifact answers as the float network.
    """
    checks = [_agreement(agreement)]
    if answers is not None and serving is not None:
        checks += [_accuracy(answers), *_recalls(answers), *_new_labels(answers)]
        checks += [_latency(candidate, serving), _size(candidate, serving)]
    if fresh is not None:
        checks.append(_plausible(fresh))
    faults = [c.sentence for c in checks if not c.passed]
    if faults:
        return Verdict(False, "refused: " + "; ".join(faults), checks)
    reasons = [c.sentence for c in checks if c.name in ("accuracy", "new label")]
    return Verdict(
        True, "promoted: " + ("; ".join(reasons) or "the first version with these labels"), checks
    )


@dataclass(frozen=True)
class _Paired:
    """Both versions on the same images: `lost` the serving version alone had right, `won` the
    candidate alone; p of losing so many by chance.
    """

    images: int
    right: int
    lost: int
    won: int
    p: float

    @property
    def points(self) -> float:
        """Points of accuracy that the candidate gained; negative when it lost."""
        return 100 * (self.won - self.lost) / max(self.images, 1)

    def figures(self) -> dict[str, float]:
        return {**asdict(self), "points": round(self.points, 4)}


def _compare(answers: Answers, rows: npt.NDArray[np.bool_]) -> _Paired:
    """Compare on the rows by McNemar's exact one-sided test.

    Source: McNemar, Psychometrika 12 (1947); exact form: binomial over the discordant pairs.
    """
    before = answers.serving[rows] == answers.truth[rows]
    after = answers.candidate[rows] == answers.truth[rows]
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    p = binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    return _Paired(int(rows.sum()), int(after.sum()), lost, won, float(p))


def _accuracy(answers: Answers) -> Check:
    pair = _compare(answers, answers.known[answers.truth])
    moved = "fell" if pair.points < 0 else "rose"
    sentence = (
        f"accuracy on the known labels {moved} by {abs(pair.points):.2f} points to "
        f"{100 * pair.right / max(pair.images, 1):.2f} % on {pair.images} held-out images "
        f"({'beyond' if pair.p < ALPHA_ACCURACY else 'within'} chance, p = {pair.p:.2g})"
    )
    passed = pair.p >= ALPHA_ACCURACY or -pair.points < TOLERATED_FALL
    return Check("accuracy", passed, sentence, pair.figures())


def _recalls(answers: Answers) -> list[Check]:
    """Test every known label, Holm-corrected, so that many labels raise no false alarm.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    pairs = [(_compare(answers, answers.truth == c), c) for c in np.flatnonzero(answers.known)]
    pairs.sort(key=lambda pair: pair[0].p)
    faults = []
    for i, (pair, c) in enumerate(pairs):
        if pair.p * (len(pairs) - i) >= ALPHA_RECALL:
            break
        fell = f"recall of {answers.labels[c]} fell by {-pair.points:.1f} points (p = {pair.p:.2g})"
        faults.append(Check("recall", False, fell, pair.figures()))
    least = {"least_p": pairs[0][0].p} if pairs else {}
    return faults or [Check("recall", True, "no label's recall fell beyond chance", least)]


def _new_labels(answers: Answers) -> list[Check]:
    checks = []
    for c in np.flatnonzero(~answers.known):
        rows = answers.truth == c
        seen, right = int(rows.sum()), int((answers.candidate[rows] == c).sum())
        passed = seen < MIN_HELD_OUT or right / seen >= MIN_NEW_LABEL_RECALL
        name = answers.labels[c]
        sentence = f"the new label {name} is right on {right} of {seen} held-out images"
        checks.append(Check("new label", passed, sentence, {"images": seen, "right": right}))
    return checks


def _plausible(fresh: Fresh) -> Check:
    """Labels that the serving version does not find and the candidate cannot learn are wrong."""
    sentence = (
        f"the version in service agrees with {fresh.agreed} of {fresh.count} new labels, the "
        f"candidate with {fresh.learned} of {fresh.held_out} that were held out"
    )
    unknown = fresh.agreed < MIN_PLAUSIBLE * fresh.count
    unlearnable = fresh.learned < MIN_PLAUSIBLE * fresh.held_out
    passed = fresh.held_out < MIN_HELD_OUT or not (unknown and unlearnable)
    if not passed:
        sentence = f"the labels look wrong: {sentence}"
    return Check("labels", passed, sentence, asdict(fresh))


def _agreement(agreement: float) -> Check:
    percent = f"{100 * agreement:.2f} %"
    sentence = f"the int8 artifact agrees with the float network on {percent} of images"
    return Check("agreement", agreement >= MIN_AGREEMENT, sentence, {"share": agreement})


def _latency(candidate: Costs, serving: Costs) -> Check:
    ratio = candidate.latency_ms / serving.latency_ms
    sentence = f"inference takes {candidate.latency_ms:.3f} ms, {ratio:.2f} times the present"
    figures = {"candidate_ms": candidate.latency_ms, "serving_ms": serving.latency_ms}
    return Check("latency", ratio <= MAX_LATENCY_RATIO, sentence, figures)


def _size(candidate: Costs, serving: Costs) -> Check:
    ratio = candidate.size_bytes / serving.size_bytes
    sentence = f"the artifact has {candidate.size_bytes} bytes, {ratio:.2f} times the present"
    figures = {"candidate_bytes": candidate.size_bytes, "serving_bytes": serving.size_bytes}
    return Check("size", ratio <= MAX_SIZE_RATIO, sentence, figures)
