"""The predict function's routes: one image, several, and how this instance is."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import app
from ocellus.errors import BadInput, StoreUnavailable
from ocellus.http import beside
from ocellus.http.answers import json_response, problem_body
from ocellus.http.bodies import read_body, read_form, read_instances
from ocellus.http.counting import counted
from ocellus.http.routing import Routes
from ocellus.images import MAX_IMAGE_BYTES
from ocellus.prediction import Classifier, Prediction

INLINE_BYTES = 64 * 1024
"""An image up to this size takes less time to predict than to hand to a thread."""

STORE_WAIT_S = 1.0
"""How long the store may hold an answer about this instance."""

_large_images = asyncio.Semaphore(2)


async def _predict_one(request: Request) -> Response:
    started = time.perf_counter()
    kind = request.headers.get("content-type", "").partition(";")[0]
    if kind == "application/json":
        images = await read_instances(request)
    elif kind == "multipart/form-data":
        images = [data for _, data in (await read_form(request)).files]
        if len(images) != 1:
            raise BadInput(
                f"The form holds {len(images)} files.",
                "Send one in the field `file`; several go to /api/predict/batch.",
            )
    else:
        images = [await read_body(request, MAX_IMAGE_BYTES)]
    classifier, cold = await _classifier()
    answers = []
    for data in images:
        answers.append(await _classify(classifier, data))
        if len(images) > 1:
            await asyncio.sleep(0)  # other requests get their turn between two images
    total_ms = (time.perf_counter() - started) * 1e3
    for answer in answers:
        app().tallies.predicted(answer, total_ms / len(answers))
    content: dict[str, Any] = {
        "request_id": secrets.token_hex(8),
        "version": classifier.manifest.version,
    }
    if kind == "application/json":
        content["predictions"] = [_answer(a) for a in answers]
    else:
        content |= _answer(answers[0])
    content["timing"] = {
        "decode_ms": round(sum(a.decode_ms for a in answers), 3),
        "inference_ms": round(sum(a.inference_ms for a in answers), 3),
        "total_ms": round(total_ms, 3),
        "cold": cold,
    }
    return json_response(content)


async def _predict_batch(request: Request) -> Response:
    started = time.perf_counter()
    files = (await read_form(request)).files
    if not files:
        raise BadInput("The form holds no files.", "Send images as parts named `file`.")
    classifier, cold = await _classifier()
    results: list[dict[str, Any]] = []
    for name, data in files:
        began = time.perf_counter()
        try:
            answer = await _classify(classifier, data)
        except BadInput as e:
            results.append({"name": name, "error": problem_body(e)})
        else:
            app().tallies.predicted(answer, (time.perf_counter() - began) * 1e3)
            results.append({"name": name, **_answer(answer)})
        await asyncio.sleep(0)
    total_ms = round((time.perf_counter() - started) * 1e3, 3)
    return json_response(
        {
            "request_id": secrets.token_hex(8),
            "version": classifier.manifest.version,
            "results": results,
            "timing": {"total_ms": total_ms, "cold": cold},
        }
    )


async def _health(request: Request) -> Response:
    serving, tallies = app().serving, app().tallies
    if serving.refresh_due():
        await beside.wait_for(serving.refresh, STORE_WAIT_S)
    try:
        await _classifier()
        status = "ok"
    except StoreUnavailable:
        status = "down"
    stale, uncounted = serving.fault, tallies.fault
    if status == "ok" and (stale or uncounted):
        status = "degraded"
    content = {
        "status": status,
        "serving": serving.version,
        "desired": serving.desired,
        "fault": asdict(stale) if stale else None,
        "statistics": {
            "waiting": tallies.waiting,
            "fault": asdict(uncounted) if uncounted else None,
        },
    }
    return json_response(content, 503 if status == "down" else 200)


async def _uptime(request: Request) -> Response:
    now = time.time()
    since = await beside.wait_for(app().serving.service_since, STORE_WAIT_S)
    started = app().serving.started_at
    return json_response(
        {
            "service_since": since,
            "service_uptime_s": round(now - since, 3) if since else None,
            "instance_since": started,
            "instance_uptime_s": round(now - started, 3),
        }
    )


async def _classifier() -> tuple[Classifier, bool]:
    """Return the classifier to answer with, and whether this request waited for its loading."""
    serving = app().serving
    ready = serving.ready()
    if ready is None:
        return await asyncio.to_thread(serving.classifier), True
    if serving.refresh_due():
        beside.start(serving.refresh)
    return ready, False


async def _classify(classifier: Classifier, data: bytes) -> Prediction:
    try:
        if len(data) <= INLINE_BYTES:
            return classifier.classify(data)
        async with _large_images:  # bounds the memory that decoding takes
            return await asyncio.to_thread(classifier.classify, data)
    except BadInput:
        app().tallies.refused()
        raise


def _answer(p: Prediction) -> dict[str, Any]:
    return {
        "label": p.label,
        "probability": p.probability,
        "unsure": p.unsure,
        "none_of_these": p.none_of_these,
        "probabilities": [{"label": x, "probability": y} for x, y in p.probabilities],
    }


ROUTES: Routes = {
    ("POST", "/api/predict"): counted(_predict_one),
    ("POST", "/api/predict/batch"): counted(_predict_batch),
    ("GET", "/api/health"): _health,
    ("GET", "/api/model/uptime"): _uptime,
}
