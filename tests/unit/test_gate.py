"""The gate's verdicts on made-up answers."""

from __future__ import annotations

import numpy as np

from ocellus.thresholds import Thresholds
from training_job.checks import Agreement, Answers, Costs, Fresh
from training_job.gate import Verdict, judge

ALIKE = Agreement(2000, 1.0, 1.0)
COSTS = Costs(latency_ms=0.4, size_bytes=1000)
LABELS = ["cat", "dog", "emu"]
RNG = np.random.default_rng(1)
TRUTH = RNG.integers(0, 3, 2000)


def wrong(truth: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the truth with another answer in the named rows."""
    answers = truth.copy()
    answers[rows] = (answers[rows] + 1) % 3
    return answers


def verdict(answered: np.ndarray, served: np.ndarray, **changes: object) -> Verdict:
    known = changes.pop("known", np.array([True, True, True]))
    figures = {k: changes.pop(k, 0.0) for k in ("candidate_error", "serving_error")}
    answers = Answers(LABELS, known, TRUTH, answered, served, **figures)  # type: ignore[arg-type]
    given = {"candidate": COSTS, "serving": COSTS, "agreement": ALIKE} | changes
    return judge(answers, **given)  # type: ignore[arg-type]


def fault(v: Verdict) -> list[str]:
    return [c.name for c in v.checks if not c.passed]


def test_an_equal_candidate_is_promoted() -> None:
    served = wrong(TRUTH, np.arange(0, 200))
    v = verdict(wrong(TRUTH, np.arange(100, 300)), served)
    assert v.promoted
    assert v.sentence.startswith("promoted: accuracy on the known labels")


def test_a_candidate_two_points_worse_is_refused() -> None:
    served = wrong(TRUTH, np.arange(0, 200))
    v = verdict(wrong(TRUTH, np.arange(0, 240)), served)
    assert not v.promoted
    assert v.sentence.startswith(
        "refused: accuracy on the known labels fell by 2.00 points to 88.00 %"
    )


def test_a_fall_beyond_chance_but_under_half_a_point_is_tolerated() -> None:
    v = verdict(wrong(TRUTH, np.arange(0, 208)), wrong(TRUTH, np.arange(0, 200)))
    accuracy = next(c for c in v.checks if c.name == "accuracy")
    assert accuracy.figures["p"] < 0.01
    assert v.promoted


def test_the_loss_of_one_label_is_refused_by_name_though_the_whole_gains() -> None:
    cats = np.flatnonzero(TRUTH == 0)[:40]
    others = np.flatnonzero(TRUTH != 0)[:60]
    v = verdict(wrong(TRUTH, cats), wrong(TRUTH, others))
    assert fault(v) == ["recall"]
    assert "recall of cat fell by" in v.sentence


def test_a_new_label_that_is_not_learned_is_refused() -> None:
    known = np.array([True, True, False])
    served = np.where(TRUTH == 2, 0, TRUTH)
    assert verdict(TRUTH, served, known=known).promoted
    v = verdict(served, served, known=known)
    assert fault(v) == ["new label"]
    assert "the new label emu is right on 0 of" in v.sentence


def test_labels_that_nobody_finds_are_called_wrong() -> None:
    fresh = Fresh(count=200, agreed=20, held_out=20, learned=3)
    v = verdict(TRUTH, TRUTH, fresh=fresh)
    assert fault(v) == ["labels"]
    assert "the labels look wrong: the version in service agrees with 20 of 200" in v.sentence


def test_labels_that_only_the_candidate_finds_are_a_lesson() -> None:
    assert verdict(TRUTH, TRUTH, fresh=Fresh(200, agreed=20, held_out=20, learned=15)).promoted


def test_disagreement_latency_and_size_are_refused() -> None:
    assert fault(verdict(TRUTH, TRUTH, agreement=Agreement(2000, 0.97, 1.0))) == ["agreement"]
    assert fault(verdict(TRUTH, TRUTH, agreement=Agreement(2000, 1.0, 0.99))) == ["agreement"]
    assert fault(verdict(TRUTH, TRUTH, agreement=Agreement(24, 20 / 24, 1.0))) == ["agreement"]
    assert fault(verdict(TRUTH, TRUTH, candidate=Costs(0.7, 1000))) == ["latency"]
    assert fault(verdict(TRUTH, TRUTH, candidate=Costs(0.4, 1600))) == ["size"]


def test_of_few_images_one_or_two_may_be_answered_otherwise() -> None:
    """Of 24, one on the edge between two labels is 4 %."""
    assert verdict(TRUTH, TRUTH, agreement=Agreement(24, 22 / 24, 23 / 24)).promoted


def test_probabilities_that_are_no_longer_true_are_refused() -> None:
    v = verdict(TRUTH, TRUTH, candidate_error=0.06, serving_error=0.01)
    assert fault(v) == ["calibration"]
    assert "off by 0.060 on average, 0.010 before" in v.sentence
    assert verdict(TRUTH, TRUTH, candidate_error=0.04, serving_error=0.01).promoted


def test_the_thresholds_are_settings() -> None:
    v = verdict(TRUTH, TRUTH, candidate=Costs(0.7, 1000), allowed=Thresholds(latency_ratio=2))
    assert v.promoted


def test_a_first_version_is_compared_with_nothing() -> None:
    v = judge(None, COSTS, None, ALIKE)
    assert v.promoted
    assert [c.name for c in v.checks] == ["agreement"]


def test_few_equal_candidates_are_refused_and_few_worse_ones_pass() -> None:
    """What the thresholds promise, on a holdout of 2,000 with 6 % of answers changing."""

    def share_promoted(loss: float) -> float:
        promoted = 0
        for i in range(200):
            rng = np.random.default_rng(i)
            truth = rng.integers(0, 3, 2000)
            served_right = rng.random(2000) < 0.9
            lose = rng.random(2000) < (0.03 + loss / 2) / 0.9
            win = rng.random(2000) < (0.03 - loss / 2) / 0.1
            right = np.where(served_right, ~lose, win)
            answers = Answers(
                LABELS,
                np.array([True] * 3),
                truth,
                wrong(truth, ~right),
                wrong(truth, ~served_right),
            )
            promoted += judge(answers, COSTS, COSTS, ALIKE).promoted
        return promoted / 200

    assert share_promoted(0.0) > 0.95
    assert share_promoted(0.02) < 0.05
