"""Work beside requests, in threads: each piece once at a time, waited for only so long.

A store that does not answer holds its callers for many seconds. They must hold neither a request
nor all the threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_running: dict[Callable[[], Any], asyncio.Task[Any]] = {}


def start(work: Callable[[], T]) -> asyncio.Task[T]:
    """Run it in a thread, unless it is running already, and return its task."""
    if work not in _running:
        _running[work] = asyncio.create_task(asyncio.to_thread(work))
        _running[work].add_done_callback(lambda _: _running.pop(work))
    return _running[work]


async def wait_for(work: Callable[[], T], seconds: float) -> T | None:
    """Return what the work returns; None if it takes longer, and then it goes on."""
    task = start(work)
    await asyncio.wait({task}, timeout=seconds)
    return task.result() if task.done() else None
