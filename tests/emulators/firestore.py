"""The Firestore emulator of the Google Cloud SDK, on a free port of 127.0.0.1."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

_JAR = Path("platform/cloud-firestore-emulator/cloud-firestore-emulator.jar")
_MAIN = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_SDK_ROOTS = (
    "~/google-cloud-sdk",
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-sdk/current",
)
# Small and quick to start: 1 to 3 s, under 200 MB.
_JAVA_OPTIONS = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_START_S = 60


class EmulatorMissing(Exception):
    """The emulator or Java is not on this machine; the message says what to do."""


def find_jar(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the emulator's jar: FIRESTORE_EMULATOR_JAR, else the installed Google Cloud SDK's.

    Raises: EmulatorMissing.
    """
    if named := environ.get("FIRESTORE_EMULATOR_JAR"):
        if not Path(named).is_file():
            raise EmulatorMissing(f"FIRESTORE_EMULATOR_JAR is {named}, where no file is.")
        return Path(named)
    roots = [Path(root).expanduser() for root in _SDK_ROOTS]
    if gcloud := shutil.which("gcloud", path=environ.get("PATH")):
        roots.insert(0, Path(gcloud).resolve().parents[1])
    for root in roots:
        if (root / _JAR).is_file():
            return root / _JAR
    raise EmulatorMissing(
        "The Firestore emulator is missing: run `gcloud components install"
        " cloud-firestore-emulator` or `apt-get install google-cloud-cli-firestore-emulator`,"
        " or set FIRESTORE_EMULATOR_JAR to its jar."
    )


class FirestoreEmulator:
    """A running emulator, ended by its own pid; it does not outlive this process.

    `host` is what FIRESTORE_EMULATOR_HOST must say. Projects are kept apart by name and need no
    making.
    """

    def __init__(self, rules: Path | None = None, port: int = 0) -> None:
        """Start it, with the rules for web clients if given, and return once it answers.

        Raises: EmulatorMissing.
        """
        jar, java = find_jar(), shutil.which("java")
        if java is None:
            raise EmulatorMissing(
                "The Firestore emulator needs Java: `apt-get install openjdk-17-jre-headless`."
            )
        self.host = f"127.0.0.1:{port or _free_port()}"
        command = [java, *_JAVA_OPTIONS, "-cp", str(jar), _MAIN]
        command += ["--host", "127.0.0.1", "--port", self.host.rpartition(":")[2]]
        if rules is not None:
            command += ["--rules", str(rules)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # open as long as the emulator
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        # The watcher's standard input ends when this process does, however that happens.
        self._watcher = subprocess.Popen(
            ["sh", "-c", f"cat; kill {self._process.pid}"], stdin=subprocess.PIPE
        )
        try:
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; once ended, nothing happens."""
        self._watcher.kill()
        self._watcher.communicate()
        self._process.terminate()
        self._process.wait(30)
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
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self._log.seek(0)
                    log = self._log.read().decode(errors="replace")
                    raise AssertionError(f"the Firestore emulator did not start:\n{log}") from e
                time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
