"""The predict function's routes: one image, other forms of predicting, how this instance is."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import app
from ocellus.errors import BadInput, StoreUnavailable
from ocellus.http import batch, beside, inference_protocol, tf_serving
from ocellus.http.answers import json_response
from ocellus.http.bodies import read_body, read_form, read_instances
from ocellus.http.classifying import as_json, classifier_in_service, classify
from ocellus.http.counting import counted
from ocellus.http.overload import limited
from ocellus.http.routing import Routes
from ocellus.images import MAX_IMAGE_BYTES

STORE_WAIT_S = 1.0
"""How long the store may hold an answer about this instance."""


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
    classifier, cold = await classifier_in_service()
    answers, decode_ms, inference_ms = [], 0.0, 0.0
    for data in images:
        answer = await classify(classifier, data)
        answers.append(answer)
        decode_ms += answer.decode_ms
        inference_ms += answer.inference_ms
        if len(images) > 1:
            await asyncio.sleep(0)  # other requests get their turn between two images
    total_ms = (time.perf_counter() - started) * 1e3
    for answer in answers:
        app().tallies.predicted(answer, total_ms / len(answers))
    content: dict[str, Any] = {
        "request_id": os.urandom(8).hex(),
        "version": classifier.manifest.version,
    }
    if kind == "application/json":
        content["predictions"] = [as_json(a) for a in answers]
    else:
        content |= as_json(answers[0])
    content["timing"] = {
        "decode_ms": round(decode_ms, 3),
        "inference_ms": round(inference_ms, 3),
        "total_ms": round(total_ms, 3),
        "cold": cold,
    }
    return json_response(content)


async def _health(request: Request) -> Response:
    serving, tallies = app().serving, app().tallies
    if serving.refresh_due():
        await beside.wait_for(serving.refresh, STORE_WAIT_S)
    try:
        await classifier_in_service()
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


ROUTES: Routes = {
    ("POST", "/api/predict"): limited(counted(_predict_one)),
    ("GET", "/api/health"): _health,
    ("GET", "/api/model/uptime"): _uptime,
    **batch.ROUTES,
    **inference_protocol.ROUTES,
    **tf_serving.ROUTES,
}
