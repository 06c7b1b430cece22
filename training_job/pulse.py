"""The pulse of a run: lease renewed, progress told, in State and on the terminal."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from ocellus.errors import LeaseLost, StoreUnavailable
from ocellus.ports import State
from ocellus.runs import Progress

_PRINT_EVERY_S = 2.0


class Interrupted(Exception):
    """The trainer was told to stop; another may go on from what it saved."""


class Pulse:
    """Renews the lease from a thread while the run works, so that a long step loses nothing."""

    def __init__(
        self, state: State, run_id: str, owner: str, lease_s: float, stop: threading.Event
    ) -> None:
        """`stop` tells the run to end at its next word."""
        self._state, self._run_id, self._owner, self._lease_s = state, run_id, owner, lease_s
        self._progress = Progress("start")
        self._told_to_stop, self._ended = stop, threading.Event()
        self._lost: LeaseLost | None = None
        self._printed, self._next_print = self._progress, 0.0
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self.durations_s: dict[str, float] = {}
        self._phase_began = time.monotonic()

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def current(self) -> str:
        """The phase that the run is in."""
        return self._progress.phase

    def phase(self, name: str) -> None:
        """Enter a phase. Raises: LeaseLost, Interrupted."""
        now = time.monotonic()
        spent = self.durations_s.get(self._progress.phase, 0.0) + now - self._phase_began
        self.durations_s[self._progress.phase] = round(spent, 3)
        self._phase_began = now
        self.report(Progress(name))

    def report(self, progress: Progress) -> None:
        """Tell where the run is; cheap enough for every step. Raises: LeaseLost, Interrupted."""
        if self._lost:
            raise self._lost
        if self._told_to_stop.is_set():
            raise Interrupted
        before, self._progress = self._progress, progress
        if progress.phase != before.phase:
            if before != self._printed:  # however short a phase is, it tells how far it came
                self._print(before)
            self._print(progress)
        elif progress != before and time.monotonic() >= self._next_print:
            self._print(progress)
            self._next_print = time.monotonic() + _PRINT_EVERY_S

    def _print(self, progress: Progress) -> None:
        self._printed = progress
        print(f"{self._run_id} {_line(progress)}", flush=True)

    def _beat(self) -> None:
        while not self._ended.wait(min(self._lease_s / 4, 2.0)):
            try:
                self._state.renew_lease(
                    self._run_id, self._owner, time.time(), self._lease_s, self._progress
                )
            except LeaseLost as e:
                self._lost = e
                return
            except StoreUnavailable:
                continue  # the lease outlasts several beats


def _line(p: Progress) -> str:
    parts = [p.phase]
    if p.epochs:
        parts.append(f"epoch {p.epoch}/{p.epochs}")
    if p.steps:
        parts.append(f"step {p.step}/{p.steps}")
    if p.loss is not None:
        parts.append(f"loss {p.loss:.4f}")
    if p.accuracy is not None:
        parts.append(f"accuracy {p.accuracy:.4f}")
    if p.steps_per_s is not None:
        parts.append(f"{p.steps_per_s:.1f} steps/s")
    if p.images_per_s is not None:
        parts.append(f"{p.images_per_s:.0f} images/s")
    if p.seconds_left is not None:
        parts.append(f"{p.seconds_left:.0f} s left")
    return ", ".join(parts)
