"""TensorFlow Serving's REST paths for the version in service; its versions are numbers.

Source: https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import app
from ocellus.http.answers import json_response
from ocellus.http.bodies import read_instances
from ocellus.http.classifying import as_json, classify
from ocellus.http.counting import counted
from ocellus.http.inference_protocol import model_in_service
from ocellus.http.overload import limited
from ocellus.http.routing import Routes


async def _status(request: Request) -> Response:
    version = (await model_in_service(request)).manifest.version
    status = {
        "version": version.removeprefix("v"),
        "state": "AVAILABLE",
        "status": {"error_code": "OK", "error_message": ""},
    }
    return json_response({"model_version_status": [status]})


async def _predict(request: Request) -> Response:
    classifier = await model_in_service(request)
    predictions = []
    for data in await read_instances(request):
        began = time.perf_counter()
        answer = await classify(classifier, data)
        app().tallies.predicted(answer, (time.perf_counter() - began) * 1e3)
        predictions.append(as_json(answer))
        await asyncio.sleep(0)  # other requests get their turn between two images
    return json_response({"predictions": predictions})


ROUTES: Routes = {
    ("GET", "/v1/models/{name}"): _status,
    ("POST", "/v1/models/{name}:predict"): limited(counted(_predict)),
}
