"""Progress on standard error: one line, rewritten on a terminal, else printed now and then."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable

PLAIN_EVERY_S = 5.0


class ProgressLine:
    """A line that says how far the work is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rewrites = sys.stderr.isatty()
        self._next_plain = clock()
        self._unsaid = ""

    def show(self, text: str) -> None:
        self._unsaid = text
        if self._rewrites:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{text[:width]}", end="", file=sys.stderr, flush=True)
        elif self._clock() >= self._next_plain:
            self.end()
            self._next_plain = self._clock() + PLAIN_EVERY_S

    def end(self) -> None:
        """Leave the last text standing."""
        if self._unsaid:
            print("" if self._rewrites else self._unsaid, file=sys.stderr, flush=True)
            self._unsaid = ""


def duration(seconds: float) -> str:
    """Return a time span in its two largest units: `1 h 20 min`, `3 min 5 s`, `12 s`."""
    minutes, s = divmod(round(seconds), 60)
    hours, m = divmod(minutes, 60)
    days, h = divmod(hours, 24)
    if days:
        return f"{days} d {h} h"
    if hours:
        return f"{h} h {m} min"
    return f"{m} min {s} s" if minutes else f"{s} s"
