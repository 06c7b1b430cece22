"""The Firestore emulator of the Google Cloud SDK, on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from emulators.firestore_jar import find_jar, find_java
from emulators.lifeline import Lifeline

_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
# Small and quick to start: 1 to 3 s, under 200 MB.
_JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_START_S = 60


class FirestoreEmulator:
    """A running emulator, ended by its own pid; it does not outlive this process.

    `host` is what FIRESTORE_EMULATOR_HOST must say. Projects are kept apart by name and need no
    making.
    """

    def __init__(self, rules: Path | None = None, port: int = 0) -> None:
        """Start it, with the rules for web clients if given, and return once it answers.

        Raises: EmulatorMissing.
        """
        java, jar = find_java(), find_jar()
        self.host = f"127.0.0.1:{port or _free_port()}"
        command = [str(java), *_JAVA_OPTIONS, "-cp", str(jar), _MAIN]
        command += ["--host", "127.0.0.1", "--port", self.host.rpartition(":")[2]]
        if rules is not None:
            command += ["--rules", str(rules)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the emulator
        self.process = subprocess.Popen(
            command, stdout=self._log, stderr=self._log, start_new_session=True
        )
        self._lifeline = Lifeline(self.process.pid)
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; once ended, nothing happens."""
        self._lifeline.let_go()
        self.process.terminate()
        self.process.wait(30)
        self._log.close()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_S
        while True:
            try:
                urllib.request.urlopen(f"http://{self.host}/", timeout=5).close()
                return
            except OSError as e:
                if isinstance(e, urllib.error.HTTPError):
                    return e.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self._log.seek(0)
                    log = self._log.read().decode(errors="replace")
                    raise AssertionError(f"the Firestore emulator did not start:\n{log}") from e
                time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
