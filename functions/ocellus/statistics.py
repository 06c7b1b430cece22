"""Statistics: tallied in memory, added to State every few seconds, never once a prediction."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ocellus.errors import StoreUnavailable
from ocellus.ports import State
from ocellus.prediction import Prediction

GAMMA = 1.1
"""Ratio of neighbouring latency buckets: a quantile is right to 5 %.

Source: Masson, Rim, Lee, "DDSketch", VLDB 2019, section 2.1: bucket i holds GAMMA**(i-1) < x <=
GAMMA**i, and sketches merge by adding counts.
"""


class Tallies:
    """What this instance has counted since its last flush. Safe for threads."""

    def __init__(
        self, state: State, flush_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._state, self._flush_s, self._clock = state, flush_s, clock
        self._counts: Counter[str] = Counter()
        self._lock = threading.RLock()  # a signal handler may flush in the middle of a tally
        self._next_flush = clock() + flush_s

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

    def flush_due(self) -> bool:
        return bool(self._counts) and self._clock() >= self._next_flush

    def flush(self) -> None:
        """Add the tallies to State; if it is unreachable they are kept for the next time."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            self._next_flush = self._clock() + self._flush_s
        if not counts:
            return
        try:
            self._state.add_counts(counts)
        except StoreUnavailable:
            with self._lock:
                self._counts.update(counts)


def bucket_of(latency_ms: float) -> int:
    return math.ceil(math.log(max(latency_ms, 1e-3)) / math.log(GAMMA))


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """Return the latency in ms under which a share `q` of the counts lies; None without counts."""
    rank = q * sum(buckets.values())
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return round(2 * GAMMA**bucket / (1 + GAMMA), 3)
    return None


def summarise(counts: Mapping[str, int]) -> dict[str, Any]:
    """Turn State's counters into what `/api/statistics` answers."""

    def group(prefix: str) -> dict[str, int]:
        return {k[len(prefix) :]: n for k, n in sorted(counts.items()) if k.startswith(prefix)}

    latency = {int(k): n for k, n in group("latency:").items()}
    return {
        "predictions": counts.get("predictions", 0),
        "unsure": counts.get("unsure", 0),
        "refused": counts.get("refused", 0),
        "by_label": group("label:"),
        "by_version": group("version:"),
        "latency_ms": {f"p{p}": quantile(latency, p / 100) for p in (50, 95, 99)},
    }
