"""The report: the files of a version, with every figure that speaks for or against it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

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
from ocellus.samples import HOLDOUT
from training_job.calibrate import out_of_distribution
from training_job.candidates import Candidate
from training_job.checks import Costs
from training_job.evaluate import run_artifact
from training_job.gate import Verdict
from training_job.metrics import measure
from training_job.plots import INDEX, picture_files
from training_job.plots.answers import Judged, answer_pictures
from training_job.plots.data import data_pictures
from training_job.plots.style import Picture
from training_job.plots.training import training_curves


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
    progress: Callable[[], None],
) -> dict[str, bytes]:
    """Return the version's files by name, `manifest.json` last. `progress` is called often."""
    calibration, data = candidate.calibration, candidate.data
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
    pictures = picture_files(_pictures(candidate, evaluations["holdout"]), progress)
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
                name: {k: e[k] for k in ("images", "accuracy", "calibration_error", "macro")}
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
        "out_of_distribution": out_of_distribution(
            candidate.int8, side, candidate.logits, calibration
        ),
        "duplicates": [asdict(x) for x in data.duplicates] if data else [],
        "unreadable": data.unreadable if data else [],
        "pictures": INDEX,
    }
    files |= pictures
    files["report.json"] = json.dumps(report, indent=1, ensure_ascii=False).encode()
    files["manifest.json"] = manifest.to_json()
    return files


def _pictures(candidate: Candidate, measured: Mapping[str, Any]) -> Iterator[Picture]:
    data = candidate.data
    if data:
        yield from data_pictures(data)
    if candidate.curves.loss:
        yield training_curves(candidate.curves)
    held_out = Judged(
        candidate.labels,
        candidate.logits,
        candidate.truth,
        data.part(HOLDOUT)[0] if data else None,
        candidate.calibration.temperature,
        measured,
        "held-out",
    )
    yield from answer_pictures(held_out)


def _keras_file(network: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / KERAS
        network.save(path)
        return path.read_bytes()
