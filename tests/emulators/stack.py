"""The whole deployment on one machine, on emulators: every part a process or server of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, TypeVar

from deployed import ROOT, Function
from emulators.cloud_run import CloudRun
from emulators.firestore import FirestoreEmulator
from emulators.front import Front
from emulators.scheduler import Scheduler
from emulators.storage import StorageEmulator

from ocellus.errors import InvalidSetting
from ocellus.settings import Settings

PROJECT = "demo-ocellus"  # Firebase takes `demo-…` for a project that is not in the cloud
REGION = "europe-west1"
JOB = "ocellus-trainer"
BUCKET, INBOX_BUCKET = "demo-ocellus", "demo-ocellus-inbox"
_WEB = ROOT / "web"
_RULES = _WEB / "firestore.rules"
_FUNCTIONS = {"predict": "http", "api": "http", "on_upload": "cloudevent", "on_tick": "http"}


class Part(Protocol):
    def stop(self) -> None: ...


T = TypeVar("T", bound=Part)


class EmulatedStack:
    """Firestore, Cloud Storage with its events, Cloud Run's jobs, Cloud Scheduler, the four
    functions and Firebase Hosting, with the seed model in service. Nothing of it outlives `stop`
    or this process.

    `url` is the page's address, `token` the admin token, and `environ` what another process needs
    in its environment to join. All is kept in memory; `data` gets the trainers' checkpoints and,
    in `logs`, what each process prints.
    """

    def __init__(self, data: Path, environ: Mapping[str, str] | None = None, port: int = 0) -> None:
        """Start everything and return once it answers; `environ` adds settings to this process's.

        Raises: EmulatorMissing; InvalidSetting, also if the port cannot be had.
        """
        self._exit = ExitStack()
        self.logs = data / "logs"
        self.logs.mkdir(parents=True)
        given = {**os.environ, **(environ or {})}
        self.token = given.get("OCELLUS_ADMIN_TOKEN") or secrets.token_urlsafe(24)
        self.environ = {
            **(environ or {}),
            "OCELLUS_BACKEND": "gcp",
            "OCELLUS_PROJECT": PROJECT,
            "OCELLUS_DATABASE": "(default)",
            "OCELLUS_REGION": REGION,
            "OCELLUS_JOB": JOB,
            "OCELLUS_BUCKET": BUCKET,
            "OCELLUS_INBOX_BUCKET": INBOX_BUCKET,
            "OCELLUS_DATA_DIR": str(data),
            "OCELLUS_ADMIN_TOKEN": self.token,
        }
        try:
            listener = _listen(port)  # first, for it may be taken
            self._exit.callback(listener.close)
            self._start_cloud()
            self.functions = self._start_functions()
            self._start_callers(listener)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it all, each part before those that it needs; once ended, nothing happens."""
        self._exit.close()

    def fallen(self) -> list[str]:
        """Return the names of the processes that have ended, which none does by itself."""
        processes = {name: function.process for name, function in self.functions.items()}
        processes["the Firestore emulator"] = self.firestore.process
        return [name for name, process in processes.items() if process.poll() is not None]

    def _start_cloud(self) -> None:
        """Start what Google keeps running, and put the seed model in service."""
        self.firestore = self._until_stop(FirestoreEmulator(_RULES if _RULES.exists() else None))
        self.storage = self._until_stop(StorageEmulator())
        for bucket in (BUCKET, INBOX_BUCKET):
            self.storage.new_bucket(bucket)
        cloud_run = CloudRun(
            f"projects/{PROJECT}/locations/{REGION}/jobs/{JOB}",
            [sys.executable, "-m", "training_job"],
            token=None,
            logs=self.logs,
        )
        self._exit.callback(cloud_run.close)
        self.environ |= {
            "FIRESTORE_EMULATOR_HOST": self.firestore.host,
            "STORAGE_EMULATOR_HOST": self.storage.url,
            "OCELLUS_RUN_API": cloud_run.api_root,
        }
        cloud_run.environ = whole = {**os.environ, **self.environ}
        seed = [sys.executable, "-m", "ocellus.cli", "seed", str(ROOT / "models" / "v1")]
        subprocess.run(seed, env=whole, check=True, stdout=subprocess.DEVNULL, timeout=120)

    def _start_functions(self) -> dict[str, Function]:
        functions = {
            name: self._until_stop(
                Function(name, self.environ, self.logs / f"{name}.log", signature)
            )
            for name, signature in _FUNCTIONS.items()
        }
        for function in functions.values():
            self._exit.callback(function.process.terminate)  # all at once, before any is waited for
        for function in functions.values():
            function.ready()
        return functions

    def _start_callers(self, listener: socket.socket) -> None:
        """Start what calls the functions: events, the schedule, and Hosting on `listener`."""
        self.storage.announce(INBOX_BUCKET, self.functions["on_upload"].url)
        tick_s = Settings.from_env({**os.environ, **self.environ}).tick_s
        self._until_stop(Scheduler(self.functions["on_tick"].url, tick_s))
        host = self.firestore.host
        self._until_stop(
            Front(
                listener,
                _WEB,
                {name: self.functions[name].url for name in ("predict", "api")},
                {"projectId": PROJECT, "apiKey": "emulator", "firestoreEmulatorHost": host},
                [f"http://{host}", self.storage.url],
            )
        )
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def _until_stop(self, part: T) -> T:
        self._exit.callback(part.stop)
        return part


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as e:
        raise InvalidSetting(
            f"cannot listen on port {port}: {e.strerror}.", "Choose another: PORT=…"
        ) from e
