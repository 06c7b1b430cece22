"""The functions as deployed: the functions framework around `main.py`, a process for each."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from emulators.lifeline import Lifeline
from server import until

ROOT = Path(__file__).parents[1]
_START_S = 60
_STOP_S = 30


class Function:
    """One function in a process of its own, at `url` once it is `ready`; ended by its own pid."""

    def __init__(
        self,
        target: str,
        environ: Mapping[str, str],
        log: Path,
        signature: str = "cloudevent",
        *,
        python: Sequence[str] = (sys.executable,),
        source: Path = ROOT / "functions",
    ) -> None:
        """Start it, with `environ` on top of this process's environment. `python` is the command
        of its interpreter, `source` the folder of its `main.py`.
        """
        self.target, self._log = target, log
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [
            *python, "-m", "functions_framework", "--asgi", "--source",
            str(source / "main.py"), "--target", target,
            "--signature-type", signature, "--host", "127.0.0.1", "--port", str(port),
        ]  # fmt: skip
        with log.open("w") as output:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, **environ},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._lifeline = Lifeline(self.process.pid)

    def ready(self) -> None:
        """Return once it listens."""
        with httpx.Client(base_url=self.url) as client:
            until(lambda: self._answers(client), _START_S, f"{self.target} to listen")

    def stop(self) -> None:
        """End it as the platform ends an instance: SIGTERM, and time to finish."""
        self.process.terminate()
        self.process.wait(_STOP_S)
        self._lifeline.cut()  # a server that was killed leaves its worker

    def _answers(self, client: httpx.Client) -> bool:
        assert self.process.poll() is None, f"{self.target} ended:\n{self._log.read_text()}"
        try:
            return client.get("/robots.txt").status_code > 0
        except httpx.TransportError:
            return False


@contextmanager
def deployed(
    target: str, environ: Mapping[str, str], log: Path, signature: str = "cloudevent"
) -> Iterator[str]:
    """Run one function in a process of its own, started as in deployment; give its URL."""
    function = Function(target, environ, log, signature)
    try:
        function.ready()
        yield function.url
    finally:
        function.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
