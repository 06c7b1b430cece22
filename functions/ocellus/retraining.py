"""Retraining: when a run starts, and what happens to one whose trainer died."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from ocellus.audit import AuditEvent
from ocellus.errors import LeaseLost, RunActive, StoreUnavailable
from ocellus.ports import Jobs, State
from ocellus.runs import Mode, Run, RunStatus

log = logging.getLogger("ocellus.retraining")

MAX_ATTEMPTS = 3


@dataclass(frozen=True)
class Retraining:
    """Starts and tends runs. `threshold` new samples start one by themselves."""

    state: State
    jobs: Jobs
    threshold: int
    start_lease_s: float
    clock: Callable[[], float] = time.time

    def consider(self) -> Run | None:
        """Start a run if enough new samples are on file and none is active."""
        if self.state.new_samples() < self.threshold or self.state.active_run():
            return None
        try:
            return self.request("threshold", Mode.AUTO, "samples")
        except RunActive:
            return None

    def request(
        self, trigger: str, mode: Mode, requested_by: str, *, include_set_aside: bool = False
    ) -> Run:
        """Begin a run and start its trainer. Raises: RunActive, StoreUnavailable."""
        run = self.state.begin_run(
            trigger=trigger,
            mode=mode,
            include_set_aside=include_set_aside,
            requested_by=requested_by,
            now=self.clock(),
            lease_s=self.start_lease_s,
        )
        detail = {"run": run.id, "trigger": trigger, "mode": str(mode)}
        self.state.record(AuditEvent(run.created_at, requested_by, "run_requested", detail))
        self._start(run)
        return run

    def cancel(self, run_id: str, by: str) -> Run:
        """End an active run and stop its trainer. Raises: LeaseLost, NotFound."""
        self.state.end_run(run_id, RunStatus.CANCELLED, f"Cancelled by {by}.", self.clock())
        self.jobs.cancel(run_id)
        return self.state.run(run_id)

    def tend(self) -> None:
        """Give a run whose trainer went silent to a new trainer, or fail it after three; then
        start a run if one is due.
        """
        run = self.state.active_run()
        now = self.clock()
        if run and run.lease_until <= now:
            try:
                self._take_over(run, now)
            except LeaseLost:
                log.info("run %s moved on while it was being tended", run.id)
        elif run is None:
            self.consider()

    def _take_over(self, run: Run, now: float) -> None:
        if run.attempt >= MAX_ATTEMPTS:
            phase = run.progress.phase if run.progress else "start"
            message = (
                f"Failed: {run.attempt} trainers stopped without a word, the last in phase {phase}."
            )
            self.state.end_run(run.id, RunStatus.FAILED, message, now)
            self.jobs.cancel(run.id)
            return
        again = self.state.requeue_run(run.id, now, self.start_lease_s)
        log.warning("run %s: no trainer works on it, starting another", run.id)
        self.jobs.cancel(run.id)
        self._start(again)

    def _start(self, run: Run) -> None:
        try:
            self.jobs.start(run.id)
        except StoreUnavailable as e:
            message = f"Failed: the trainer did not start: {e}"
            self.state.end_run(run.id, RunStatus.FAILED, message, self.clock())
            raise
