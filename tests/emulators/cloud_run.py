"""A stand-in of Cloud Run's job routes on a free port of 127.0.0.1; executions are processes.

Source: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qs, urlparse

from emulators.lifeline import Lifeline

GRACE_S = 10.0
PAGE_SIZE = 2
"""However many executions are asked for: the API may return fewer, too."""
TOKEN = "token of the stand-in"
_JOB = r"/v2/(?P<job>projects/[^/]+/locations/[^/]+/jobs/[^/:]+)"


class CloudRun:
    """One deployed job, whose container runs `command`. `close` it at the end.

    `api_root` is where it answers, to requests that bear `token`. `environ` is the whole
    environment of later executions; None gives them this process's.
    """

    def __init__(
        self,
        job: str,
        command: Sequence[str],
        *,
        token: str | None = TOKEN,
        logs: Path | None = None,
    ) -> None:
        """`job` is its full name, `projects/…/locations/…/jobs/…`. With `token` None any request
        is answered. An execution's output goes to a file of its own in `logs`, if given.
        """
        self.job, self._command, self.token, self._logs = job, tuple(command), token, logs
        self.environ: Mapping[str, str] | None = None
        self.executions: list[_Execution] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _RequestHandler)
        self._server.cloud = self
        self.api_root = f"http://127.0.0.1:{self._server.server_port}/v2"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.daemon = True
        self._thread.start()

    def close(self) -> None:
        """Stop answering and kill what runs."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        for execution in self.executions:
            execution.lifeline.let_go()
            execution.process.kill()
            execution.process.wait()

    def run(self, body: Any) -> Any:
        arguments = body["overrides"]["containerOverrides"][0]["args"]
        with self._lock:
            name = f"trainer-{len(self.executions)}"
            with self._log(name) as log:
                process = subprocess.Popen(
                    [*self._command, *arguments],
                    env=self.environ,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            name = f"{self.job}/executions/{name}"
            self.executions.append(_Execution(name, arguments, process, Lifeline(process.pid)))
        return {"name": "operations/run", "metadata": {"name": name}}

    def _log(self, name: str) -> AbstractContextManager[IO[bytes] | None]:
        return (self._logs / f"{name}.log").open("wb") if self._logs else nullcontext()

    def list(self, token: str) -> Any:
        start = int(token or 0)
        with self._lock:
            newest_first = self.executions[::-1]
        page = newest_first[start : start + PAGE_SIZE]
        more = start + PAGE_SIZE < len(newest_first)
        return {
            "executions": [execution.resource() for execution in page],
            **({"nextPageToken": str(start + PAGE_SIZE)} if more else {}),
        }

    def cancel(self, name: str) -> Any:
        """Return None if there is nothing to cancel."""
        for execution in self.executions:
            if execution.name == name and execution.process.poll() is None:
                threading.Thread(target=execution.stop, daemon=True).start()
                return {"name": "operations/cancel"}
        return None


@dataclass(frozen=True)
class _Execution:
    name: str
    arguments: list[str]
    process: subprocess.Popen[bytes]
    lifeline: Lifeline

    def resource(self) -> Any:
        ended = {"completionTime": "2026-01-01T00:00:00Z"}
        return {
            "name": self.name,
            "template": {"containers": [{"image": "trainer", "args": self.arguments}]},
            **(ended if self.process.poll() is not None else {}),
        }

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    cloud: CloudRun


class _RequestHandler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        url = urlparse(self.path)
        if self._admitted(found := re.fullmatch(f"{_JOB}/executions", url.path)):
            assert found is not None
            token = parse_qs(url.query).get("pageToken", [""])[0]
            self._answer(200, self.server.cloud.list(token))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = re.fullmatch(f"{_JOB}(?P<execution>/executions/[^/:]+)?:(run|cancel)", self.path)
        if not self._admitted(found):
            return
        assert found is not None
        if found["execution"] is None:
            self._answer(200, self.server.cloud.run(body))
        elif operation := self.server.cloud.cancel(found["job"] + found["execution"]):
            self._answer(200, operation)
        else:
            self._refuse(400, "The execution has ended.")

    def _admitted(self, found: re.Match[str] | None) -> bool:
        token = self.server.cloud.token
        if token and self.headers["Authorization"] != f"Bearer {token}":
            self._refuse(401, "The request bears no valid token.")
        elif found is None or found["job"] != self.server.cloud.job:
            self._refuse(404, "The resource does not exist.")
        else:
            return True
        return False

    def _refuse(self, code: int, message: str) -> None:
        self._answer(code, {"error": {"code": code, "message": message}})

    def _answer(self, code: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""
