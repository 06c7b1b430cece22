"""The composition root: settings to ports to use cases. The only importer of adapters."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType

from ocellus.admission import Admission
from ocellus.errors import InvalidSetting
from ocellus.ports import Blobs, Jobs, State
from ocellus.publishing import install_seed
from ocellus.retraining import Retraining
from ocellus.serving import Serving
from ocellus.settings import CloudSettings, Settings
from ocellus.statistics import Tallies


@dataclass(frozen=True)
class App:
    """Everything that an entry point needs, wired once a process."""

    settings: Settings
    blobs: Blobs
    inbox: Blobs
    state: State
    jobs: Jobs
    retraining: Retraining
    serving: Serving
    tallies: Tallies
    admission: Admission
    close: Callable[[], None]
    """Stop the trainers that this process started, flush the tallies, let go of the files."""


@cache
def app() -> App:
    """Return this process's App, made from the environment. Raises: InvalidSetting."""
    made = build(Settings.from_env())
    _at_sigterm(made.tallies.flush_at_end)
    return made


def _at_sigterm(work: Callable[[], None]) -> None:
    """Do `work` before what SIGTERM does already. A deployed worker has no other hook: gunicorn
    leaves without atexit, and functions have no shutdown event.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    before = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: FrameType | None) -> None:
        work()
        if callable(before):
            before(number, frame)
        elif before == signal.SIG_DFL:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal.SIGTERM, handle)


def build(settings: Settings) -> App:
    """Wire the back end that the settings name. Raises: InvalidSetting."""
    ports = _on_google_cloud(settings.gcp) if settings.gcp else _embedded(settings)
    tallies = Tallies(ports.state, settings.flush_s, writer=secrets.token_hex(8))

    def close() -> None:
        ports.stop_jobs()
        tallies.flush_at_end()
        ports.close_state()

    return App(
        settings=settings,
        blobs=ports.blobs,
        inbox=ports.inbox,
        state=ports.state,
        jobs=ports.jobs,
        retraining=Retraining(
            ports.state, ports.jobs, settings.retrain_threshold, settings.start_lease_s
        ),
        serving=Serving(
            ports.blobs, ports.state, refresh_s=settings.refresh_s, packaged=seed_folder(settings)
        ),
        tallies=tallies,
        admission=Admission(
            settings.max_requests, settings.max_bodies_mb << 20, settings.client_rate or None
        ),
        close=close,
    )


@dataclass(frozen=True)
class _Ports:
    """The ports' adapters, and how to let go of them."""

    blobs: Blobs
    inbox: Blobs
    state: State
    jobs: Jobs
    stop_jobs: Callable[[], None]
    close_state: Callable[[], None]


def _embedded(settings: Settings) -> _Ports:
    """Keep everything under `settings.data_dir`, with the seed model in service if nothing else
    is.
    """
    from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
    from ocellus.adapters.embedded.sqlite_state import SqliteState
    from ocellus.adapters.embedded.subprocess_jobs import SubprocessJobs
    from ocellus.adapters.embedded.waiting_trainer import WaitingTrainer

    data = settings.data_dir
    data.mkdir(parents=True, exist_ok=True)
    blobs = DirectoryBlobs(data / "blobs")
    state = SqliteState(data / "state.sqlite")
    if seed := seed_folder(settings):
        install_seed(blobs, state, seed, time.time())
    inbox = DirectoryBlobs(data / "inbox")
    if settings.trainer == "waiting":
        return _Ports(blobs, inbox, state, WaitingTrainer(), lambda: None, state.close)
    jobs = SubprocessJobs([sys.executable, "-m", "training_job"], data / "runs")
    return _Ports(blobs, inbox, state, jobs, jobs.close, state.close)


def _on_google_cloud(cloud: CloudSettings) -> _Ports:
    """Keep everything in a project. Nothing is sent before it is needed: a cold start waits for
    nobody.
    """
    from ocellus.adapters.gcp.cloud_run_jobs import CloudRunJobs
    from ocellus.adapters.gcp.firestore_state import FirestoreState
    from ocellus.adapters.gcp.storage_blobs import StorageBlobs

    state = FirestoreState(cloud.project, cloud.database)
    return _Ports(
        StorageBlobs(cloud.bucket),
        StorageBlobs(cloud.inbox_bucket),
        state,
        CloudRunJobs(cloud.project, cloud.region, cloud.job, emulator=cloud.run_api),
        lambda: None,  # executions outlive whoever started them
        state.close,
    )


def serve(host: str, port: int, on_bound: Callable[[int], None]) -> None:
    """Run the local platform around this process's App until SIGINT or SIGTERM. `on_bound` hears
    the port once it is taken.

    Raises: InvalidSetting if the port cannot be had, or the back end is not the embedded one.
    """
    if app().settings.backend != "embedded":
        raise InvalidSetting(
            "`ocellus serve` runs the embedded back end.",
            "Leave OCELLUS_BACKEND out, or use `make run-emulated` for the Google Cloud adapters.",
        )
    from ocellus.adapters.embedded import platform  # its libraries are not in the functions

    root = Path(__file__).parents[2]
    site = platform.create_platform(
        source=root / "functions",
        web=root / "web",
        inbox=app().settings.data_dir / "inbox",
        tick_s=app().settings.tick_s,
        on_stop=app().close,
    )
    platform.serve(site, host, port, on_bound)


def seed_folder(settings: Settings) -> Path | None:
    """Return the seed model's folder: the one set, else the one packaged beside `main.py`, else
    that of the checkout, if it is there.
    """
    source, checkout = Path(__file__).parents[1:3]
    usual = [source / "models" / "v1", checkout / "models" / "v1"]
    folders = [settings.seed_dir] if settings.seed_dir else usual
    return next((folder for folder in folders if (folder / "manifest.json").exists()), None)


def admin_token(settings: Settings) -> tuple[str, bool]:
    """Return the token that changes need, and whether it was made just now.

    It is the one set, else, on a laptop, the one in the data folder (mode 0600), made at first
    use. Raises: InvalidSetting if a deployment has none.
    """
    if settings.admin_token:
        return settings.admin_token, False
    if settings.backend != "embedded":
        raise InvalidSetting(
            "OCELLUS_ADMIN_TOKEN is not set, so nothing can be changed.",
            "Give the api function the secret that holds it.",
        )
    path = settings.data_dir / "admin-token"
    if not path.exists():
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        # Written whole before it has its name, so that no process ever reads an empty token.
        descriptor, part = tempfile.mkstemp(dir=settings.data_dir)  # mode 0600
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24))
        try:
            os.link(part, path)
            return path.read_text(), True
        except FileExistsError:
            pass  # another process was first
        finally:
            os.unlink(part)
    return path.read_text().strip(), False
