"""Waiting for a run, where nobody starts a trainer for each."""

from __future__ import annotations

import threading

from ocellus.ports import State
from ocellus.runs import RunStatus

_POLL_S = 1.0


def wait_for_run(state: State, stop: threading.Event) -> str | None:
    """Return the id of the run that a trainer is wanted for, as soon as there is one; None once
    `stop` is set. Several may wait: one of them can take the run. Raises: StoreUnavailable.
    """
    while not stop.is_set():
        run = state.active_run()
        if run and run.status is RunStatus.QUEUED:
            return run.id
        stop.wait(_POLL_S)
    return None
