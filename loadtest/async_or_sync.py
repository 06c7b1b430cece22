"""Which is faster end to end: the async `predict`, or the same work as a sync function?

Each is started by functions-framework as in deployment (async on uvicorn workers, sync on gthread
workers) with 1 and 2 workers, and asked by wrk over 50 connections with one 32 x 32 JPEG that this
script draws. The two take turns, so the ratio is of one run on one machine.

    python loadtest/async_or_sync.py [--seconds 6] [--rounds 3]

Needs wrk (Debian: apt-get install wrk).
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from PIL import Image

ROOT = Path(__file__).parents[1]
PORT = 18231
SYNC = """
import secrets, time
import functions_framework, orjson
from flask import Response
from ocellus.bootstrap import app
from ocellus.http.classifying import as_json

@functions_framework.http
def predict(request):
    started = time.perf_counter()
    prediction = app().serving.classifier().classify(request.get_data())
    total_ms = (time.perf_counter() - started) * 1e3
    app().tallies.predicted(prediction, total_ms)
    content = {
        "request_id": secrets.token_hex(8), "version": prediction.version, **as_json(prediction),
        "timing": {"decode_ms": prediction.decode_ms, "inference_ms": prediction.inference_ms,
                   "total_ms": total_ms, "cold": False},
    }
    return Response(orjson.dumps(content), 200, content_type="application/json")
"""


@contextmanager
def deployed(source: Path, is_async: bool, workers: int, data: Path) -> Iterator[str]:
    """Run `predict` of a source file in a process of its own; give its URL once it answers."""
    command = [sys.executable, "-m", "functions_framework", "--source", str(source)]
    command += ["--target", "predict", "--host", "127.0.0.1", "--port", str(PORT)]
    environ = os.environ | {"WORKERS": str(workers), "OCELLUS_DATA_DIR": str(data)}
    process = subprocess.Popen(
        command + (["--asgi"] if is_async else []), env=environ, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{PORT}/api/predict"
    try:
        for _ in range(300):
            time.sleep(0.1)
            try:
                answers = {httpx.post(url, content=jpeg()).status_code for _ in range(40)}
            except httpx.TransportError:
                continue
            assert answers == {200}, answers
            break
        yield url
    finally:
        process.terminate()
        process.wait(30)


def jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((32, 32)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def requests_per_s(url: str, seconds: int, folder: Path) -> float:
    (folder / "image.jpg").write_bytes(jpeg())
    script = folder / "post.lua"
    script.write_text(
        f'wrk.method = "POST"\nlocal f = io.open("{folder}/image.jpg", "rb")\n'
        'wrk.body = f:read("*a")\nwrk.headers["Content-Type"] = "image/jpeg"\n'
    )
    command = ["wrk", "-t1", "-c50", f"-d{seconds}", "-s", str(script), url]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output, output
    found = re.search(r"Requests/sec:\s+([\d.]+)", output)
    assert found is not None, output
    return float(found[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=6, help="of load for each measurement")
    parser.add_argument("--rounds", type=int, default=3, help="async and sync in turn, this often")
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk: install it first (Debian, Ubuntu: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sync_source = folder / "main.py"
        sync_source.write_text(SYNC)
        print("workers  async/s  sync/s  async/sync (median, min–max of the rounds)")
        for workers in (1, 2):
            rates: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(arguments.rounds):
                for is_async in (True, False):
                    source = ROOT / "functions" / "main.py" if is_async else sync_source
                    with deployed(source, is_async, workers, folder / "data") as url:
                        rates[is_async].append(requests_per_s(url, arguments.seconds, folder))
            ratios = [a / b for a, b in zip(rates[True], rates[False], strict=True)]
            print(
                f"{workers:7}  {statistics.median(rates[True]):7.0f}"
                f"  {statistics.median(rates[False]):6.0f}"
                f"  {statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
            )


if __name__ == "__main__":
    main()
