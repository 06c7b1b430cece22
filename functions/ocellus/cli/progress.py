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


class UploadProgress:
    """How far an upload of `files` is: `412 of 500 files sent, 380 filed, 96 files/s, …`."""

    def __init__(self, files: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._files, self._clock, self._started = files, clock, clock()
        self._line = ProgressLine(clock)
        self.sent = 0
        """Or found to need no sending."""
        self.sent_bytes = 0
        self.filed = 0
        """Or found to be of no use."""

    def show(self) -> None:
        passed_s = max(self._clock() - self._started, 1e-3)
        done = self.sent + self.filed
        left = duration(passed_s * (2 * self._files - done) / done) if done else "?"
        self._line.show(
            f"{self.sent:,} of {self._files:,} files sent, {self.filed:,} filed,"
            f" {done / 2 / passed_s:,.0f} files/s, {self.sent_bytes / passed_s / 1e6:,.1f} MB/s,"
            f" {left} left"
        )

    def end(self) -> None:
        """Leave the last line standing."""
        self._line.end()


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
