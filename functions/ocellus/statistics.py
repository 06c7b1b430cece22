"""Statistics: tallied in memory, added to State every few seconds, never once a prediction."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable

from ocellus.errors import OcellusError
from ocellus.ports import State
from ocellus.prediction import Prediction
from ocellus.serving import Fault
from ocellus.summary import bucket_of

log = logging.getLogger("ocellus.statistics")

PUBLISH_S = 1.0
"""The published statistics are one document, which takes about one write a second for long; so
all instances together write it no more often.
"""
_OVERDUE_S = 1.0
_MAX_BACKOFF_S = 30.0


class Tallies:
    """What this instance has counted and not yet added to State. Safe for threads, and for a
    signal handler that flushes in the middle of anything.

    Each flush is numbered, and one that failed is sent again as it was before anything newer: so
    what had arrived, though its answer was lost, is not counted twice.
    """

    def __init__(
        self, state: State, flush_s: float, *, writer: str, clock: Callable[[], float] = time.time
    ) -> None:
        """`writer` names this instance, and no other ever."""
        self._state, self._flush_s, self._writer, self._clock = state, flush_s, writer, clock
        self._counts: Counter[str] = Counter()
        self._sent: tuple[int, Counter[str]] | None = None
        """The flush that may have arrived."""
        self._flushes = 0
        self._unpublished = False
        self._lock = threading.RLock()
        self._one_at_a_time = threading.RLock()
        self._flushing_since: float | None = None
        self._next_flush = 0.0
        self._failures = 0
        self._fault: Fault | None = None

    def predicted(self, prediction: Prediction, total_ms: float) -> None:
        with self._lock:
            c = self._counts
            c["predictions"] += 1
            c[f"label:{prediction.label}"] += 1
            c[f"version:{prediction.version}"] += 1
            c[f"latency:{bucket_of(total_ms)}"] += 1
            if prediction.unsure:
                c["unsure"] += 1

    def refused(self) -> None:
        with self._lock:
            self._counts["refused"] += 1

    @property
    def waiting(self) -> int:
        """How many predictions and refusals State does not know of yet."""
        with self._lock:
            held = [self._counts] + ([self._sent[1]] if self._sent else [])
            return sum(counts["predictions"] + counts["refused"] for counts in held)

    @property
    def fault(self) -> Fault | None:
        """Why they wait longer than they should."""
        since = self._flushing_since
        if self._fault is None and since is not None and self._clock() - since > _OVERDUE_S:
            return Fault("The store has been asked to add them and has not answered yet.", since)
        return self._fault

    def flush_in_s(self) -> float | None:
        """Return in how many seconds a flush is due; None if there is nothing to flush, or a flush
        is going on.
        """
        if self._flushing_since is not None or not self._has_news():
            return None
        return max(self._next_flush - self._clock(), 0.0)

    def flush_due(self) -> bool:
        """Say whether it is time to flush: to one caller, who then flushes."""
        if self.flush_in_s() != 0.0:
            return False
        self._next_flush = self._clock() + self._flush_s
        return True

    def flush(self, *, publish: bool = False) -> None:
        """Add the tallies to State and publish the statistics; `publish` does so even if another
        instance just did. Never raises: what State did not take is kept for the next time.
        """
        if not self._has_news():
            return
        with self._one_at_a_time:
            self._flushing_since = self._clock()
            try:
                self._send()
                if self._unpublished:
                    min_age_s = 0.0 if publish else PUBLISH_S
                    self._unpublished = not self._state.publish_statistics(self._clock(), min_age_s)
                self._fault, self._failures = None, 0
            except Exception as e:  # whatever it is, requests go on
                self._failures += 1
                since = self._fault.since if self._fault else self._flushing_since
                self._fault = Fault(str(e) if isinstance(e, OcellusError) else repr(e), since)
                log.warning("%d tallies wait: %s", self.waiting, self._fault.detail)
            backoff_s = min(2.0**self._failures, _MAX_BACKOFF_S)
            self._next_flush = self._clock() + (backoff_s if self._failures else self._flush_s)
            self._flushing_since = None

    def flush_at_end(self) -> None:
        """Flush and publish, and from now on flush with every request: each may be the last."""
        self._flush_s = 0.0
        self.flush(publish=True)

    def _has_news(self) -> bool:
        return bool(self._counts) or self._sent is not None or self._unpublished

    def _send(self) -> None:
        if self._sent:
            self._add(self._sent)
        with self._lock:
            if self._counts:
                self._flushes += 1
                self._sent = (self._flushes, self._counts.copy())
                self._counts.clear()  # not another Counter: a tally may be in the middle
        if self._sent:
            self._add(self._sent)

    def _add(self, flush: tuple[int, Counter[str]]) -> None:
        number, counts = flush
        self._state.add_counts(counts, self._writer, number, self._clock())
        self._unpublished = True
        with self._lock:
            if self._sent is flush:
                self._sent = None
