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

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.sqlite_state import SqliteState
from ocellus.adapters.embedded.subprocess_jobs import SubprocessJobs
from ocellus.ports import Blobs, Jobs, State
from ocellus.publishing import install_seed
from ocellus.retraining import Retraining
from ocellus.serving import Serving
from ocellus.settings import Settings
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
    close: Callable[[], None]
    """Stop the trainers that this process started, flush the tallies, let go of the files."""


@cache
def app() -> App:
    """Return this process's App, made from the environment. Raises: InvalidSetting."""
    made = build(Settings.from_env())
    _at_sigterm(made.tallies.flush)
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
    """Wire the embedded back end under `settings.data_dir`, with the seed model in service if
    nothing else is.
    """
    data = settings.data_dir
    data.mkdir(parents=True, exist_ok=True)
    blobs = DirectoryBlobs(data / "blobs")
    state = SqliteState(data / "state.sqlite")
    jobs = SubprocessJobs([sys.executable, "-m", "training_job"], data / "runs")
    seed = seed_folder(settings)
    if seed is not None:
        install_seed(blobs, state, seed, time.time())
    tallies = Tallies(state, settings.flush_s)

    def close() -> None:
        jobs.close()
        tallies.flush()
        state.close()

    return App(
        settings=settings,
        blobs=blobs,
        inbox=DirectoryBlobs(data / "inbox"),
        state=state,
        jobs=jobs,
        retraining=Retraining(state, jobs, settings.retrain_threshold, settings.start_lease_s),
        serving=Serving(blobs, state, refresh_s=settings.refresh_s, packaged=seed),
        tallies=tallies,
        close=close,
    )


def serve(host: str, port: int, on_bound: Callable[[int], None]) -> None:
    """Run the local platform around this process's App until SIGINT or SIGTERM. `on_bound` hears
    the port once it is taken.

    Raises: InvalidSetting if the port cannot be had.
    """
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
    """Return the seed model's folder: the one set, else that of the checkout, if it is there."""
    folder = settings.seed_dir or Path(__file__).parents[2] / "models" / "v1"
    return folder if (folder / "manifest.json").exists() else None


def admin_token(settings: Settings) -> tuple[str, bool]:
    """Return the token that changes need, and whether it was made just now.

    It is the one set, else the one in the data folder (mode 0600), made at first use.
    """
    if settings.admin_token:
        return settings.admin_token, False
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
