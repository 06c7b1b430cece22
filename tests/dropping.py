"""Objects dropped into an inbox in memory, and processes that die while they take them."""

from __future__ import annotations

from typing import Any

from fakes import MemoryBlobs, MemoryState

from ocellus.audit import AuditEvent
from ocellus.dropped import Dropped


def drop(inbox: MemoryBlobs, name: str, data: bytes) -> Dropped:
    """Store an object and return what its event tells of it."""
    inbox.put(name, data, overwrite=True)
    return Dropped("inbox", name, inbox.generations[name], len(data))


def rejections(state: MemoryState) -> list[AuditEvent]:
    """Return what the audit trail says was rejected, newest first."""
    return [event for event in state.history() if event.action == "rejected"]


class Crash(BaseException):
    """The process's end."""


class CrashesAt:
    """A port of a process that dies in place of one call of a method, or just after it."""

    def __init__(self, port: object, method: str, calls_before: int, *, after: bool) -> None:
        self._port, self._method, self._left, self._after = port, method, calls_before, after

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            dies = name == self._method and self._left == 0
            self._left -= name == self._method
            if dies and not self._after:
                raise Crash
            result = getattr(self._port, name)(*args, **kwargs)
            if dies:
                raise Crash
            return result

        return call
