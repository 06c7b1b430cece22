"""What the gate asks of a candidate, each question with its answer in words and figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from ocellus.thresholds import Thresholds
from training_job.evaluate import Classes

MIN_HELD_OUT = 5
"""Fewer held-out images than this say nothing of a label."""
MIN_PLAUSIBLE = 0.3
MIN_NEW_LABEL_RECALL = 0.5
MIN_FLOAT_AGREEMENT = 0.999
"""The float32 artifact is the same arithmetic in another order."""
ALPHA_AGREEMENT = 0.01
"""So unlikely must it be that an artifact that agrees just often enough differs so often."""
CALIBRATION_NOISE = 0.5
"""Over the square root of the images: what chance alone may add to the calibration error."""


@dataclass(frozen=True)
class Answers:
    """Both versions' answers on the same holdout, as classes of the candidate's labels.

    truth, candidate, serving: int64 [n]. known: bool [labels], whether the serving version knows
    the label; a row whose label it does not know counts for the new label alone. The calibration
    errors are expected errors of the stated probability, each version with its temperature.
    """

    labels: list[str]
    known: npt.NDArray[np.bool_]
    truth: Classes
    candidate: Classes
    serving: Classes
    candidate_error: float = 0.0
    serving_error: float = 0.0


@dataclass(frozen=True)
class Agreement:
    """On which share of `images` each artifact answers as the Keras network."""

    images: int
    int8: float
    float32: float


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


def accuracy_check(answers: Answers, allowed: Thresholds) -> Check:
    """Test the fall of accuracy by McNemar's mid-p test.

    Source: McNemar, Psychometrika 12 (1947): equal versions lose and win alike often. Mid-p, as the
    exact test refuses less often than its level: Fagerland, Lydersen, Laake, "The McNemar test for
    binary matched-pairs data", BMC Medical Research Methodology 13 (2013).
    """
    rows = answers.known[answers.truth]
    before, after = (answers.serving == answers.truth)[rows], _right(answers)[rows]
    lost, won = int((before & ~after).sum()), int((after & ~before).sum())
    p = float(binom.sf(lost, lost + won, 0.5) + binom.pmf(lost, lost + won, 0.5) / 2)
    pair = _Paired(int(rows.sum()), int(after.sum()), lost, won, p)
    moved = "fell" if pair.points < 0 else "rose"
    sentence = (
        f"accuracy on the known labels {moved} by {abs(pair.points):.2f} points to "
        f"{100 * pair.right / max(pair.images, 1):.2f} % on {pair.images} held-out images "
        f"({'beyond' if p < allowed.alpha_accuracy else 'within'} chance, p = {p:.2g})"
    )
    passed = p >= allowed.alpha_accuracy or -pair.points < allowed.tolerated_fall
    return Check("accuracy", passed, sentence, pair.figures())


def recall_checks(answers: Answers, allowed: Thresholds) -> list[Check]:
    """Test every known label exactly, Holm-corrected, so that many labels raise no false alarm.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    known = np.flatnonzero(answers.known)
    before, after = answers.serving == answers.truth, _right(answers)
    images, right, lost, won = (
        np.bincount(answers.truth[rows], minlength=len(answers.labels))[known]
        for rows in (slice(None), after, before & ~after, after & ~before)
    )
    p = np.asarray(binom.sf(lost - 1, lost + won, 0.5))
    faults = []
    for rank, i in enumerate(np.argsort(p, kind="stable")):
        if p[i] * (len(known) - rank) >= allowed.alpha_recall:
            break
        pair = _Paired(int(images[i]), int(right[i]), int(lost[i]), int(won[i]), float(p[i]))
        label = answers.labels[known[i]]
        fell = f"recall of {label} fell by {-pair.points:.1f} points (p = {pair.p:.2g})"
        faults.append(Check("recall", False, fell, pair.figures()))
    least = {"least_p": float(p.min())} if len(p) else {}
    return faults or [Check("recall", True, "no label's recall fell beyond chance", least)]


def new_label_checks(answers: Answers) -> list[Check]:
    """A label that the serving version does not know must have been learned."""
    checks = []
    for c in np.flatnonzero(~answers.known):
        rows = answers.truth == c
        seen, right = int(rows.sum()), int((answers.candidate[rows] == c).sum())
        passed = seen < MIN_HELD_OUT or right / seen >= MIN_NEW_LABEL_RECALL
        name = answers.labels[c]
        sentence = f"the new label {name} is right on {right} of {seen} held-out images"
        checks.append(Check("new label", passed, sentence, {"images": seen, "right": right}))
    return checks


def plausible_check(fresh: Fresh) -> Check:
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


def agreement_check(agreement: Agreement, allowed: Thresholds) -> Check:
    """Network, float32 artifact and int8 artifact must answer alike, beyond chance in a few images
    and but for one that stands on the edge between two labels.
    """
    int8, float32 = agreement.int8, agreement.float32
    sentence = (
        f"of {agreement.images} images the int8 artifact answers {100 * int8:.2f} % as the Keras "
        f"network does, the float32 artifact {100 * float32:.2f} %"
    )
    passed = all(
        (differ := round((1 - share) * agreement.images)) <= 1
        or binom.sf(differ - 1, agreement.images, 1 - least) > ALPHA_AGREEMENT
        for share, least in ((int8, allowed.min_agreement), (float32, MIN_FLOAT_AGREEMENT))
    )
    return Check("agreement", passed, sentence, asdict(agreement))


def calibration_check(answers: Answers, allowed: Thresholds) -> Check:
    """What the candidate says of its own certainty must stay as true as it was."""
    before, after = answers.serving_error, answers.candidate_error
    noise = CALIBRATION_NOISE / max(len(answers.truth), 1) ** 0.5
    limit = before + allowed.calibration_rise + noise
    sentence = (
        f"the stated probabilities are off by {after:.3f} on average, {before:.3f} before "
        f"(up to {limit:.3f} is allowed)"
    )
    figures = {"candidate": after, "serving": before, "limit": round(limit, 5)}
    return Check("calibration", after <= limit, sentence, figures)


def cost_checks(candidate: Costs, serving: Costs, allowed: Thresholds) -> list[Check]:
    """Latency and size beside the present version's."""
    slower = candidate.latency_ms / serving.latency_ms
    larger = candidate.size_bytes / serving.size_bytes
    return [
        Check(
            "latency",
            slower <= allowed.latency_ratio,
            f"inference takes {candidate.latency_ms:.3f} ms, {slower:.2f} times the present "
            f"(up to {allowed.latency_ratio:g} times is allowed)",
            {"candidate_ms": candidate.latency_ms, "serving_ms": serving.latency_ms},
        ),
        Check(
            "size",
            larger <= allowed.size_ratio,
            f"the artifact has {candidate.size_bytes:,} bytes, {larger:.2f} times the present "
            f"(up to {allowed.size_ratio:g} times is allowed)",
            {"candidate_bytes": candidate.size_bytes, "serving_bytes": serving.size_bytes},
        ),
    ]


def _right(answers: Answers) -> npt.NDArray[np.bool_]:
    return np.asarray(answers.candidate == answers.truth)
