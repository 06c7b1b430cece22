"""Where a prediction's CPU time goes, stage by stage, in microseconds.

The function as deployed (uvicorn's HTTP protocol around the functions framework around `predict`)
answers requests in this process, without a socket; each stage is also timed alone, and what is left
of the whole is the routing and wrapping between them. Before each call an inference empties the
caches, as it does in service: the same Python code takes several times as long as in a loop alone.

CPU time: the median of a round's calls, and of the rounds the least, because what others do on the
machine only adds. The stages take turns in each round, so that all see the same machine.

    python loadtest/stages.py [--rounds 9] [--calls 120]
"""

from __future__ import annotations

import argparse
import asyncio
import io
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from functions_framework.aio import create_asgi_app
from PIL import Image
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from ocellus.bootstrap import app
from ocellus.http.answers import json_response
from ocellus.http.classifying import as_json
from ocellus.images import decode

ROOT = Path(__file__).parents[1]
NO_OP = """
import functions_framework.aio
from starlette.responses import Response

@functions_framework.aio.http
async def predict(request):
    await request.body()
    return Response(b"{}", 200, None, "application/json")
"""
Stage = Callable[[], Awaitable[None]]


def photograph(width: int, height: int) -> bytes:
    """A JPEG of quality 85 with gradients and some noise, as a camera's has."""
    shades = np.add.outer(np.linspace(0, 160, height), np.linspace(0, 60, width))[..., None]
    noise = np.random.default_rng(1).normal(0, 8, (height, width, 3))
    pixels = np.clip(shades * [1.0, 0.8, 0.6] + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=85)
    return file.getvalue()


def raw(image: bytes) -> bytes:
    head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(image)}\r\n"
    return f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + image


def multipart(image: bytes) -> bytes:
    part = 'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n'
    body = f"--edge\r\n{part}Content-Type: image/jpeg\r\n\r\n".encode() + image
    body += b"\r\n--edge--\r\n"
    head = f"POST /api/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: multipart/form-data; boundary=edge\r\n\r\n".encode() + body


class Wire(asyncio.Transport):
    """A connection without a socket; sets `answered` at each answer's end."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = asyncio.Event()
        self.text = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.text += bytes(data)
        head, _, body = self.text.partition(b"\r\n\r\n")
        if len(body) == int(head.lower().partition(b"content-length: ")[2].split()[0]):
            self.answered.set()

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


def through(app: Any, request: bytes) -> Stage:
    """Make a stage of one request and its answer over a kept-alive connection to the app."""
    protocol = HttpToolsProtocol(
        Config(app, log_config=None, access_log=False, lifespan="off"), ServerState(), {}
    )
    wire = Wire()
    protocol.connection_made(wire)

    async def stage() -> None:
        wire.answered.clear()
        wire.text = b""
        protocol.data_received(request)
        await wire.answered.wait()
        assert wire.text.startswith(b"HTTP/1.1 200"), wire.text

    return stage


async def bare(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def alone(work: Callable[[], object]) -> Stage:
    async def stage() -> None:
        work()

    return stage


def stages_of(image: bytes, no_op: Path) -> dict[str, Stage]:
    classifier = app().serving.classifier()
    side = classifier.manifest.input.width
    prediction = classifier.classify(image)
    source = str(ROOT / "functions" / "main.py")
    predict = create_asgi_app("predict", source, "http")  # type: ignore[no-untyped-call]
    nothing = create_asgi_app("predict", str(no_op), "http")  # type: ignore[no-untyped-call]
    return {
        "nothing": alone(lambda: None),
        "uvicorn": through(bare, raw(image)),
        "framework": through(nothing, raw(image)),
        "decode": alone(lambda: decode(image, side, side)),
        "bare": alone(lambda: classifier.logits(decode(image, side, side))),
        "classify": alone(lambda: classifier.classify(image)),
        "answer": alone(lambda: json_response(as_json(prediction))),
        "tallies": alone(lambda: app().tallies.predicted(prediction, 1.0)),
        "raw": through(predict, raw(image)),
        "multipart": through(predict, multipart(image)),
    }


async def measure(
    make: Callable[[], dict[str, Stage]], rounds: int, calls: int
) -> dict[str, float]:
    """Return each stage's CPU time in µs."""
    stages = make()  # here, where the event loop runs
    classifier, image = app().serving.classifier(), np.zeros((32, 32, 3), np.uint8)
    found: dict[str, list[float]] = {name: [] for name in stages}
    for _ in range(rounds):
        for name, stage in stages.items():
            times = []
            for _ in range(calls):
                classifier.logits(image)  # empties the caches, as the last request did
                began = time.process_time()
                await stage()
                times.append(time.process_time() - began)
            found[name].append(statistics.median(times) * 1e6)
    return {name: min(medians) - min(found["nothing"]) for name, medians in found.items()}


def budget(us: dict[str, float]) -> dict[str, float]:
    """Turn the times of overlapping stages into those of parts that add up to the whole."""
    parts = {
        "HTTP: parse and write (uvicorn)": us["uvicorn"],
        "functions framework and Starlette": us["framework"] - us["uvicorn"],
        "decode and resize": us["decode"],
        "invoke": us["bare"] - us["decode"],
        "softmax, rank, evidence": us["classify"] - us["bare"],
        "answer: build and JSON": us["answer"],
        "tallies": us["tallies"],
    }
    return {
        **parts,
        "the rest: route, body, clock, ids": us["raw"] - sum(parts.values()),
        "**whole, raw body**": us["raw"],
        "multipart adds": us["multipart"] - us["raw"],
        "bare: decode and invoke": us["bare"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--calls", type=int, default=120, help="of a stage in a round")
    given = parser.parse_args()
    images = {"32 x 32": photograph(32, 32), "640 x 480": photograph(640, 480)}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["OCELLUS_DATA_DIR"] = str(Path(folder) / "data")
        no_op = Path(folder) / "main.py"
        no_op.write_text(NO_OP)
        tables = {
            name: budget(
                uvloop.run(measure(partial(stages_of, image, no_op), given.rounds, given.calls))
            )
            for name, image in images.items()
        }
    sizes = ", ".join(f"{name}: {len(image):,} bytes" for name, image in images.items())
    print(f"CPU-µs a prediction ({sizes})\n")
    print("| | " + " | ".join(tables) + " |\n|---|" + "---:|" * len(tables))
    for part in next(iter(tables.values())):
        print(f"| {part} | " + " | ".join(f"{t[part]:.0f}" for t in tables.values()) + " |")


if __name__ == "__main__":
    main()
