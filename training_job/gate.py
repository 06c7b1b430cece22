"""The gate: is the candidate fit to replace the version in service? In figures and in words."""

from __future__ import annotations

from dataclasses import dataclass

from ocellus.thresholds import Thresholds
from training_job.checks import (
    Agreement,
    Answers,
    Check,
    Costs,
    Fresh,
    accuracy_check,
    agreement_check,
    calibration_check,
    cost_checks,
    new_label_checks,
    plausible_check,
    recall_checks,
)

DEFAULTS = Thresholds()


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
    agreement: Agreement,
    fresh: Fresh | None = None,
    allowed: Thresholds = DEFAULTS,
) -> Verdict:
    """Compare. Without answers and serving costs there is nothing to compare with: a first
    version, which only has to agree with itself.
    """
    checks = [agreement_check(agreement, allowed)]
    if answers is not None and serving is not None:
        checks.append(accuracy_check(answers, allowed))
        checks += recall_checks(answers, allowed)
        checks += new_label_checks(answers)
        checks.append(calibration_check(answers, allowed))
        checks += cost_checks(candidate, serving, allowed)
    if fresh is not None:
        checks.append(plausible_check(fresh))
    faults = [c.sentence for c in checks if not c.passed]
    if faults:
        return Verdict(False, "refused: " + "; ".join(faults), checks)
    reasons = [c.sentence for c in checks if c.name in ("accuracy", "new label")]
    said = "; ".join(reasons) or "the first version with these labels"
    return Verdict(True, f"promoted: {said}", checks)
