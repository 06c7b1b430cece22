"""The functions as deployed: the functions framework around `main.py`, a process for each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from server import until

ROOT = Path(__file__).parents[1]


@contextmanager
def deployed(
    target: str, environ: dict[str, str], log: Path, signature: str = "cloudevent"
) -> Iterator[str]:
    """Run one function in a process of its own, started as in deployment; give its URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "functions_framework", "--asgi", "--source",
        str(ROOT / "functions" / "main.py"), "--target", target,
        "--signature-type", signature, "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    with log.open("w") as output:
        process = subprocess.Popen(command, env=os.environ | environ, stdout=output, stderr=output)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            until(lambda: _answers(client), 60, f"{target} to listen")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("/robots.txt").status_code > 0
    except httpx.TransportError:
        return False
