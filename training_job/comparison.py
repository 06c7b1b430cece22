"""A candidate beside the version in service: what the gate needs to know, measured."""

from __future__ import annotations

import numpy as np

from ocellus.manifest import InputSpec, golden_inputs
from ocellus.prediction import softmax
from ocellus.thresholds import Thresholds
from training_job.candidates import Candidate, LoadedVersion
from training_job.checks import Answers, Costs
from training_job.evaluate import calibration_error, latencies_ms
from training_job.gate import Verdict, judge


def compare(
    candidate: Candidate, serving: LoadedVersion | None, allowed: Thresholds
) -> tuple[Verdict, Costs]:
    """Put the candidate to the gate beside the version in service, if they can be compared."""
    side = candidate.network.input_shape[1]
    image = golden_inputs(InputSpec(side, side))[0]
    if serving is None or candidate.serving is None:
        (latency,) = latencies_ms([candidate.int8], image)
        costs = Costs(latency, len(candidate.int8))
        return judge(None, costs, None, candidate.agreement, allowed=allowed), costs
    latency, present = latencies_ms([candidate.int8, serving.int8], image)
    costs = Costs(latency, len(candidate.int8))
    temperature = candidate.calibration.temperature
    probabilities = softmax(candidate.logits, temperature)
    right = probabilities.argmax(axis=1) == candidate.truth
    answers = Answers(
        labels=candidate.labels,
        known=np.isin(candidate.labels, serving.manifest.labels),
        truth=candidate.truth,
        candidate=candidate.logits.argmax(axis=1),
        serving=candidate.serving.answers,
        candidate_error=calibration_error(probabilities.max(axis=1), right),
        serving_error=candidate.serving.calibration_error,
    )
    before = Costs(present, len(serving.int8))
    return judge(answers, costs, before, candidate.agreement, candidate.fresh, allowed), costs
