"""Jobs as child processes of this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import StoreUnavailable
from ocellus.runs import parse_run_id

GRACE_S = 5.0
_POLL_S = 0.02


class SubprocessJobs:
    """Each trainer is a process group: `command --run r7`, its output in `r7/output.log`.

    `r7/pid` has a line for each trainer started for the run, so any process may cancel them.
    `close` stops the trainers that this instance started.
    """

    def __init__(
        self, command: Sequence[str], runs_dir: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        """`environ` is the trainers' whole environment; None gives them this process's."""
        self._command = tuple(command)
        self._runs_dir = runs_dir
        self._environ = environ
        self._reapers: dict[_Group, threading.Thread] = {}

    def start(self, run_id: str) -> None:
        folder = self._folder(run_id)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            group = self._spawn(run_id, folder / "output.log")
            try:
                with (folder / "pid").open("a") as file:
                    file.write(f"{group}\n")
            except OSError:
                group.signal(signal.SIGKILL)  # no one could cancel it
                raise
        except OSError as e:
            raise StoreUnavailable(
                f"The trainer {self._command[0]!r} of run {run_id} did not start: {e}.",
                f"See that the command exists and that {folder} is writable.",
            ) from e

    def cancel(self, run_id: str) -> None:
        file = self._folder(run_id) / "pid"
        try:
            lines = file.read_text().splitlines()
        except FileNotFoundError:
            return
        except OSError as e:
            raise StoreUnavailable(f"{file} cannot be read: {e}.", "Try again.") from e
        _stop(_Group.parse(line) for line in lines)

    def close(self) -> None:
        """Stop the trainers that this instance started and wait for their end."""
        reapers = dict(self._reapers)
        _stop(reapers)
        for reaper in reapers.values():
            reaper.join(GRACE_S)

    def _spawn(self, run_id: str, log_path: Path) -> _Group:
        with log_path.open("ab") as log:
            process = subprocess.Popen(
                [*self._command, "--run", run_id],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environ,
                start_new_session=True,
            )
        group = _Group(process.pid, _start_time(process.pid))
        reaper = threading.Thread(target=self._reap, args=(process, group), daemon=True)
        self._reapers[group] = reaper
        reaper.start()
        return group

    def _reap(self, process: subprocess.Popen[bytes], group: _Group) -> None:
        process.wait()
        del self._reapers[group]

    def _folder(self, run_id: str) -> Path:
        parse_run_id(run_id)
        return self._runs_dir / run_id


@dataclass(frozen=True)
class _Group:
    """A trainer's process group, named by its leader.

    `started` is when the leader started, in ticks since boot: it tells the trainer from a later
    process with the same number. None where there is no /proc; then the number must do.
    """

    leader: int
    started: str | None

    @staticmethod
    def parse(line: str) -> _Group:
        leader, _, started = line.partition(" ")
        return _Group(int(leader), started or None)

    def __str__(self) -> str:
        return f"{self.leader} {self.started or ''}".rstrip()

    def recycled(self) -> bool:
        """Say whether the number is free, or another process has it now."""
        return self.started is not None and _start_time(self.leader) != self.started

    def signal(self, number: int) -> bool:
        """Signal every process of the group; False if none is left."""
        try:
            os.killpg(self.leader, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def _stop(groups: Iterable[_Group]) -> None:
    """Ask the groups to end; end those that do not within the grace."""
    left = [group for group in groups if not group.recycled()]
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [group for group in left if group.signal(number)]
        deadline = time.monotonic() + GRACE_S
        while left and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            left = [group for group in left if group.signal(0)]


def _start_time(pid: int) -> str | None:
    """Return field 22 of /proc/pid/stat. Source: proc(5)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return stat.rpartition(")")[2].split()[19]  # field 2, the name, may hold spaces
