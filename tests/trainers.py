"""Trainers that tests can see, and the Jobs that start them."""

from __future__ import annotations

import fcntl
import sys
from pathlib import Path

from emulators import cloud_run
from google.oauth2.credentials import Credentials

from ocellus.adapters.embedded.subprocess_jobs import SubprocessJobs
from ocellus.adapters.gcp.cloud_run_jobs import CloudRunJobs
from ocellus.ports import Jobs


class Trainers:
    """Trainers that hold a lock on a file as long as they run, so that a test can see them.

    Two openings of Jobs start and cancel the same trainers; a third cannot start any.
    """

    jobs: Jobs
    other_jobs: Jobs
    unstartable_jobs: Jobs

    _SCRIPT = """
import fcntl, pathlib, sys, time
folder, flag, run_id = sys.argv[1:]
assert flag == "--run"
folder = pathlib.Path(folder)
with open(folder / f"{run_id}.lock", "ab") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(b"x")
    lock.flush()
    while not (folder / f"{run_id}.finish").exists():
        time.sleep(0.01)
"""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command = [sys.executable, "-I", "-S", "-c", self._SCRIPT, str(folder)]

    def starts(self, run_id: str) -> int:
        """Return how many trainers of the run ever got going."""
        lock = self._folder / f"{run_id}.lock"
        return lock.stat().st_size if lock.exists() else 0

    def running(self, run_id: str) -> bool:
        with (self._folder / f"{run_id}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def finish(self, run_id: str) -> None:
        """Let the run's trainer end by itself."""
        (self._folder / f"{run_id}.finish").touch()

    def close(self) -> None:
        """Stop them all."""


class EmbeddedTrainers(Trainers):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.jobs = self._first = SubprocessJobs(self._command, folder / "runs")
        self.other_jobs = self._second = SubprocessJobs(self._command, folder / "runs")
        self.unstartable_jobs = SubprocessJobs([str(folder / "absent")], folder / "runs")

    def close(self) -> None:
        self._first.close()
        self._second.close()


class CloudRunTrainers(Trainers):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cloud = cloud_run.CloudRun("projects/p/locations/l/jobs/trainer", self._command)
        self.jobs, self.other_jobs = self._open("trainer"), self._open("trainer")
        self.unstartable_jobs = self._open("absent")

    def _open(self, job: str) -> Jobs:
        credentials = Credentials(cloud_run.TOKEN)
        return CloudRunJobs("p", "l", job, emulator=self._cloud.api_root, credentials=credentials)

    def close(self) -> None:
        self._cloud.close()
