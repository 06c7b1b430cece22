"""The api function's routes: what is known, and what the token's holder may change."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ocellus import evaluating, publishing, uploads
from ocellus.bootstrap import app
from ocellus.errors import BadInput, NotFound
from ocellus.http import uploading
from ocellus.http.answers import json_response
from ocellus.http.routing import Routes, authorise, changes, reads
from ocellus.runs import Mode, Run
from ocellus.serving import load_manifest


def _model_info(request: Request) -> Any:
    pointer = app().state.pointer()
    if pointer is None:
        raise NotFound("No version is in service yet.", "Train one.")
    manifest = load_manifest(app().blobs, pointer.version)
    return {"pointer": asdict(pointer), "manifest": asdict(manifest) | {"golden": None}}


def _models(request: Request) -> Any:
    pointer = app().state.pointer()
    versions = [asdict(v) for v in app().state.versions()]
    return {"pointer": asdict(pointer) if pointer else None, "versions": versions}


def _statistics(request: Request) -> Any:
    app().tallies.flush(publish=True)  # those of predict, where one process has all functions
    return asdict(app().state.statistics())


def _history(request: Request) -> Any:
    return {"events": [asdict(e) for e in app().state.history(_limit(request))]}


def _runs(request: Request) -> Any:
    return {"runs": [_run(r) for r in app().state.runs(_limit(request))]}


def _retrain_status(request: Request) -> Any:
    runs = app().state.runs(1)
    return {
        "run": _run(runs[0]) if runs else None,
        "new_samples": app().state.new_samples(),
        "threshold": app().settings.retrain_threshold,
        "now": time.time(),
    }


def _samples(request: Request) -> Any:
    samples = app().state.samples()
    labels: dict[str, dict[str, int]] = {}
    for s in samples:
        split = "set_aside" if s.set_aside_by else s.split
        counts = labels.setdefault(s.label, {"train": 0, "holdout": 0, "set_aside": 0})
        counts[split] += 1
    return {"count": len(samples), "labels": labels, "new_samples": app().state.new_samples()}


async def _remove_sample(request: Request) -> Response:
    authorise(request)
    sha256 = request.url.path.rpartition("/")[2]
    return json_response(
        await asyncio.to_thread(
            uploads.remove, app().blobs, app().state, sha256, by="admin", now=time.time()
        )
    )


def _openapi(request: Request) -> Any:
    return orjson.loads((Path(__file__).parents[2] / "openapi.json").read_bytes())


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "50")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 500:
        raise BadInput(f"limit is {text[:40]!r}.", "Send a number from 1 to 500.")
    return int(text)


def _run(run: Run) -> dict[str, Any]:
    shown = asdict(run) | {"id": run.id, "version": run.version}
    return {k: v for k, v in shown.items() if k not in ("owner", "lease_until")}


def _retrain(fields: Mapping[str, Any]) -> Any:
    mode = fields.get("mode", "auto")
    if mode not in list(Mode):
        raise BadInput(f"mode is {mode!r}.", f"Send one of {', '.join(Mode)}.")
    run = app().retraining.request(
        "person", Mode(mode), "admin", include_set_aside=fields.get("include_set_aside") is True
    )
    return _run(run)


def _cancel(fields: Mapping[str, Any]) -> Any:
    run = app().state.active_run()
    if run is None:
        raise NotFound("No run is active.", "Nothing needs to be done.")
    return _run(app().retraining.cancel(run.id, "admin"))


def _evaluate(fields: Mapping[str, Any]) -> Any:
    version = fields.get("version")
    if version is None:
        pointer = app().state.pointer()
        version = pointer.version if pointer else ""
    return evaluating.evaluate(app().blobs, app().state, str(version))


def _promote(fields: Mapping[str, Any]) -> Any:
    reason = str(fields.get("reason") or "by hand")[:500]
    pointer = publishing.promote(
        app().blobs, app().state, str(fields.get("version", "")),
        by="admin", reason=reason, now=time.time(),
    )  # fmt: skip
    return asdict(pointer)


def _roll_back(fields: Mapping[str, Any]) -> Any:
    return asdict(publishing.roll_back(app().blobs, app().state, by="admin", now=time.time()))


ROUTES: Routes = {
    ("GET", "/api/model/info"): reads(_model_info),
    ("GET", "/api/models"): reads(_models),
    ("GET", "/api/statistics"): reads(_statistics),
    ("GET", "/api/history"): reads(_history),
    ("GET", "/api/samples"): reads(_samples),
    ("GET", "/api/runs"): reads(_runs),
    ("GET", "/api/retrain/status"): reads(_retrain_status),
    ("GET", "/api/openapi.json"): reads(_openapi),
    ("DELETE", "/api/samples/{sha256}"): _remove_sample,
    ("POST", "/api/retrain"): changes(_retrain),
    ("POST", "/api/retrain/cancel"): changes(_cancel),
    ("POST", "/api/model/evaluate"): changes(_evaluate),
    ("POST", "/api/model/promote"): changes(_promote),
    ("POST", "/api/model/rollback"): changes(_roll_back),
    **uploading.ROUTES,
}
