"""The Open Inference Protocol v2, as Triton, KServe and their clients speak it.

There is one model, `ocellus`, and of it the version in service.
Source: https://github.com/kserve/open-inference-protocol
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import numpy as np
import orjson
from starlette.requests import Request
from starlette.responses import Response

from ocellus import __version__
from ocellus.bootstrap import app
from ocellus.errors import BadInput, NotFound, StoreUnavailable
from ocellus.http.answers import HEADERS, json_response
from ocellus.http.bodies import read_body
from ocellus.http.classifying import classifier_in_service, classify
from ocellus.http.counting import counted
from ocellus.http.infer_outputs import Output, write_outputs
from ocellus.http.infer_request import INPUTS, read_request
from ocellus.http.overload import limited
from ocellus.http.routing import Routes
from ocellus.prediction import Classifier, Prediction

MODEL = "ocellus"
_NOT_READY = 400
"""Neither 200 nor 5xx: the protocol says no with a 4xx."""


async def model_in_service(request: Request) -> Classifier:
    """Return what answers for the model that the path names. Raises: NotFound, StoreUnavailable."""
    name, version = request.path_params["name"], request.path_params.get("version")
    if name != MODEL:
        raise NotFound(f"There is no model {name[:80]!r}.", f"The model is {MODEL!r}.")
    classifier, _ = await classifier_in_service()
    serving = classifier.manifest.version
    if version not in (None, serving, serving.removeprefix("v")):
        raise NotFound(
            f"Version {version[:80]!r} is not in service; {serving} is.",
            "Leave the version out, or promote the one you want.",
        )
    return classifier


async def _server(request: Request) -> Response:
    extensions = ["binary_tensor_data"]
    return json_response({"name": MODEL, "version": __version__, "extensions": extensions})


async def _live(request: Request) -> Response:
    return json_response({"live": True})


async def _ready(request: Request) -> Response:
    ready = await _can_answer()
    return json_response({"live": True, "ready": ready}, 200 if ready else _NOT_READY)


async def _model_ready(request: Request) -> Response:
    ready = await _can_answer()
    if ready:
        await model_in_service(request)
    return json_response({"name": MODEL, "ready": ready}, 200 if ready else _NOT_READY)


async def _can_answer() -> bool:
    try:
        await classifier_in_service()
    except StoreUnavailable:
        return False
    return True


async def _model(request: Request) -> Response:
    manifest = (await model_in_service(request)).manifest
    return json_response(
        {
            "name": MODEL,
            "versions": [manifest.version],
            "platform": "tensorflow_lite",
            "inputs": list(INPUTS.values()),
            "outputs": [
                {"name": "label", "datatype": "BYTES", "shape": [-1]},
                {"name": "probability", "datatype": "FP32", "shape": [-1]},
                {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(manifest.labels)]},
            ],
            "labels": manifest.labels,
        }
    )


async def _infer(request: Request) -> Response:
    classifier = await model_in_service(request)
    if encoding := request.headers.get("content-encoding"):
        raise BadInput(f"The body is packed with {encoding[:40]!r}.", "Send it as it is.")
    body = await read_body(request)
    asked = read_request(body, request.headers.get("inference-header-content-length"))
    answers = []
    for number, image in enumerate(asked.images):
        began = time.perf_counter()
        try:
            answers.append(await classify(classifier, image))
        except BadInput as e:
            raise type(e)(f"Image {number} of the tensor: {e.detail}", e.remedy) from e
        app().tallies.predicted(answers[-1], (time.perf_counter() - began) * 1e3)
        await asyncio.sleep(0)  # other requests get their turn between two images
    outputs, binary = write_outputs(_outputs(classifier.manifest.labels, answers), asked)
    content: dict[str, Any] = {
        "model_name": MODEL,
        "model_version": classifier.manifest.version,
        "outputs": outputs,
    }
    if asked.id is not None:
        content["id"] = asked.id
    if not binary:
        return json_response(content)
    header = orjson.dumps(content)
    length = {"Inference-Header-Content-Length": str(len(header))}
    return Response(header + binary, 200, HEADERS | length, "application/octet-stream")


def _outputs(labels: tuple[str, ...] | list[str], answers: list[Prediction]) -> list[Output]:
    shares = [dict(answer.probabilities) for answer in answers]
    table = [[share[label] for label in labels] for share in shares]
    return [
        Output("label", [answer.label for answer in answers]),
        Output("probability", np.array([answer.probability for answer in answers], np.float32)),
        Output("probabilities", np.array(table, np.float32)),
    ]


_MODEL = "/v2/models/{name}"
_VERSION = "/v2/models/{name}/versions/{version}"

ROUTES: Routes = {
    ("GET", "/v2"): _server,
    ("GET", "/v2/health/live"): _live,
    ("GET", "/v2/health/ready"): _ready,
    ("GET", _MODEL): _model,
    ("GET", _VERSION): _model,
    ("GET", f"{_MODEL}/ready"): _model_ready,
    ("GET", f"{_VERSION}/ready"): _model_ready,
    ("POST", f"{_MODEL}/infer"): limited(counted(_infer)),
    ("POST", f"{_VERSION}/infer"): limited(counted(_infer)),
}
