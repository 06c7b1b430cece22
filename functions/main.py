"""The functions' entry points: predict, api, on_upload, on_tick. Nothing else."""

from __future__ import annotations

import asyncio
import time

import functions_framework.aio
from cloudevents.http.event import CloudEvent
from starlette.requests import Request
from starlette.responses import Response

from ocellus import uploads
from ocellus.bootstrap import App, app
from ocellus.dropped import parse_dropped
from ocellus.errors import BadInput, OcellusError
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
    await asyncio.to_thread(_take, app(), event)


def _take(made: App, event: CloudEvent) -> None:
    now = time.time()
    try:
        dropped = parse_dropped(event["type"], event.get_data(), made.settings.inbox_bucket)
    except BadInput as e:  # no delivery will ever be better
        uploads.refuse_event(made.state, e, now)
    else:
        uploads.take_object(made.inbox, made.blobs, made.state, dropped, now)
        made.retraining.consider()


@functions_framework.aio.http
async def on_tick(request: Request) -> Response:
    """Replace dead trainers, start due runs, publish the statistics; called on a schedule."""
    try:
        return json_response({"active_run": await asyncio.to_thread(_tend, app())})
    except OcellusError as e:
        return problem(e)


def _tend(made: App) -> str | None:
    made.retraining.tend()
    made.state.publish_statistics(time.time())
    run = made.state.active_run()
    return run.id if run else None
