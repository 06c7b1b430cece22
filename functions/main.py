"""The functions' entry points: predict, api, on_upload, on_tick. Nothing else."""

from __future__ import annotations

import asyncio
import time

import functions_framework.aio
from cloudevents.http.event import CloudEvent
from starlette.requests import Request
from starlette.responses import Response

from ocellus import uploads
from ocellus.bootstrap import app
from ocellus.errors import OcellusError
from ocellus.http import api as api_routes
from ocellus.http import predict as predict_routes
from ocellus.http.answers import json_response, problem
from ocellus.http.routing import dispatch


@functions_framework.aio.http
async def predict(request: Request) -> Response:
    """Predict, and say how this instance is."""
    return await dispatch(request, predict_routes.ROUTES)


@functions_framework.aio.http
async def api(request: Request) -> Response:
    """Everything else under /api."""
    return await dispatch(request, api_routes.ROUTES)


@functions_framework.aio.cloud_event
async def on_upload(event: CloudEvent) -> None:
    """Take a finalized object of the inbox. An exception makes the sender deliver it again."""
    made, data = app(), event.get_data() or {}

    def take() -> None:
        uploads.take_object(
            made.inbox,
            made.blobs,
            made.state,
            bucket=str(data["bucket"]),
            name=str(data["name"]),
            generation=str(data["generation"]),
            size_bytes=int(data.get("size", 0)),
            now=time.time(),
        )
        made.retraining.consider()

    await asyncio.to_thread(take)


@functions_framework.aio.http
async def on_tick(request: Request) -> Response:
    """Replace dead trainers, start due runs, publish the statistics; called on a schedule."""
    try:
        made = app()
        await asyncio.to_thread(made.retraining.tend)
        await asyncio.to_thread(made.state.publish_statistics, time.time())
    except OcellusError as e:
        return problem(e)
    return json_response({"active_run": run.id if (run := app().state.active_run()) else None})
