"""The report: the files of a version, with every figure that speaks for or against it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict
from pathlib import Path

import keras

from ocellus.manifest import (
    FLOAT32,
    INT8,
    KERAS,
    REPLAY,
    Artifact,
    Golden,
    InputSpec,
    Manifest,
    golden_inputs,
)
from training_job.candidates import Candidate
from training_job.checks import Costs
from training_job.evaluate import measure, run_artifact
from training_job.gate import Verdict


def version_files(
    candidate: Candidate,
    verdict: Verdict,
    costs: Costs,
    *,
    version: str,
    parent: str | None,
    created_at: float,
    compared_with: str | None,
    why: str,
    durations_s: dict[str, float],
    code_revision: str,
) -> dict[str, bytes]:
    """Return the version's files by name, `manifest.json` last."""
    calibration = candidate.calibration
    side = candidate.network.input_shape[1]
    spec = InputSpec(side, side)
    files = {
        INT8: candidate.int8,
        FLOAT32: candidate.float32,
        KERAS: _keras_file(candidate.network),
        REPLAY: candidate.replay.to_npz(),
    }
    evaluations = {
        name: measure(*answers, candidate.labels, calibration.temperature)
        for name, answers in (
            ("holdout", (candidate.logits, candidate.truth)),
            ("test", candidate.test),
        )
        if answers is not None
    }
    manifest = Manifest(
        version=version,
        parent=parent,
        created_at=created_at,
        labels=candidate.labels,
        input=spec,
        artifacts={name: Artifact.of(data) for name, data in files.items()},
        calibration=calibration,
        golden=Golden(run_artifact(candidate.int8, golden_inputs(spec))[0].tolist()),
        metrics={
            **{
                name: {k: e[k] for k in ("images", "accuracy", "calibration_error")}
                for name, e in evaluations.items()
            },
            "agreement": round(candidate.agreement.int8, 5),
            "agreement_images": candidate.agreement.images,
            "latency_ms": costs.latency_ms,
            "parameters": candidate.network.count_params(),
        },
        dataset=candidate.dataset,
        recipe=candidate.recipe,
        durations_s=durations_s,
        code_revision=code_revision,
    )
    report = {
        "version": version,
        "mode": candidate.mode,
        "why": why,
        "compared_with": compared_with,
        "verdict": asdict(verdict),
        "learned": candidate.learned,
        "evaluations": evaluations,
        "curves": asdict(candidate.curves),
    }
    files["report.json"] = json.dumps(report, indent=1, ensure_ascii=False).encode()
    files["manifest.json"] = manifest.to_json()
    return files


def _keras_file(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / KERAS
        network.save(path)
        return path.read_bytes()
