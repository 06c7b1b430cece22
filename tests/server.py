"""A real server in a process of its own, for tests that need the whole platform."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")


class Server:
    """`ocellus serve` on a free port of 127.0.0.1, ended by its own pid."""

    def __init__(self, data: Path, environ: Mapping[str, str]) -> None:
        self.data, self._environ = data, {**os.environ, **environ, "OCELLUS_DATA_DIR": str(data)}
        self._log = data.with_suffix(".log")
        self._process: subprocess.Popen[str] | None = None
        self.http = httpx.Client()

    def start(self) -> Server:
        """Start, and return once it listens."""
        command = [sys.executable, "-m", "ocellus.cli", "serve", "--port", "0"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                command, env=self._environ, stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := re.search(r"Ocellus is at (http://[^/]+)/", line):
                # Whatever it prints later is read, so that it never blocks on a full pipe.
                threading.Thread(target=self._process.stdout.read, daemon=True).start()
                headers = {"Authorization": f"Bearer {self.token}"}
                self.http = httpx.Client(base_url=found[1], headers=headers, timeout=60)
                return self
        raise AssertionError(f"the server did not start:\n{self._log.read_text()}")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            self._process.wait(timeout=30)
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()
        self.http.close()
        self._process = None

    @property
    def url(self) -> str:
        return str(self.http.base_url).rstrip("/")

    @property
    def token(self) -> str:
        return (self.data / "admin-token").read_text()

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        """Post `json`, `content`, `files` or `data` as httpx takes them, with the token."""
        return self.http.post(path, **body).raise_for_status().json()

    def run_ended(self, run_id: str) -> Any:
        """Wait until the run has ended and return it."""

        def ended() -> Any:
            run = next((r for r in self.get("/api/runs")["runs"] if r["id"] == run_id), None)
            return run if run and run["status"] not in ("queued", "running") else None

        return until(ended, 180, f"{run_id} to end")

    def serves(self, version: str, within_s: float = 10) -> None:
        until(lambda: self.get("/api/health")["serving"] == version, within_s, version)


def until(condition: Callable[[], T], within_s: float, what: str) -> T:
    """Return the condition's first true value. Raises: AssertionError when time is up."""
    deadline = time.monotonic() + within_s
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {within_s} s for {what}"
        time.sleep(0.05)
    return value
