"""What one instance needs for a request, and how one and three really fare at half their load."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import numpy as np
import psutil
import uvloop
from autoscaling import Floats
from fleet import Fleet, balanced, fleet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from deployed import Function
from drawings import stripes

T = TypeVar("T")

ALONE = 3_000
"""Requests, one after the other, from which the service time is taken."""
COLD_STARTS = 3


@dataclass(frozen=True)
class Measured:
    """CPU times of a request on its instance, `front_ms` of client and proxy, and start to first
    answer.
    """

    service_ms: list[float]
    front_ms: float
    cold_start_s: float


class Asker:
    """Predicts over kept connections to one URL."""

    def __init__(self, url: str) -> None:
        self._address, image = urlsplit(url), stripes(1)
        head = f"POST /api/predict HTTP/1.1\r\nHost: test\r\nContent-Length: {len(image)}\r\n\r\n"
        self._request = head.encode() + image
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(self) -> None:
        """Raises: AssertionError unless the answer is 200."""
        reader, writer = (
            self._idle.pop()
            if self._idle
            else await asyncio.open_connection(self._address.hostname, self._address.port)
        )
        writer.write(self._request)
        headers = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(headers.partition(b"content-length: ")[2].split()[0]))
        assert headers.split()[1] == b"200", headers
        self._idle.append((reader, writer))

    async def one_by_one(self, count: int) -> list[float]:
        """Return how long each took, in ms."""
        took_ms = []
        for _ in range(count):
            began = time.perf_counter()
            await self.ask()
            took_ms.append((time.perf_counter() - began) * 1e3)
        return took_ms

    async def at(self, at_s: Floats) -> list[float]:
        """Ask at these times, answered or not; return how long each took, in ms."""
        began, took_ms = time.perf_counter(), []

        async def one(due: float) -> None:
            await self.ask()
            took_ms.append((time.perf_counter() - due) * 1e3)

        tasks = []
        for due in (began + at_s).tolist():
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            tasks.append(asyncio.create_task(one(due)))
        await asyncio.gather(*tasks)
        return took_ms

    async def without_pause(self, connections: int, seconds: float) -> float:
        """Return how many answers a second so many connections get."""
        until, count = time.perf_counter() + seconds, 0

        async def go_on() -> None:
            nonlocal count
            while time.perf_counter() < until:
                await self.ask()
                count += 1

        await asyncio.gather(*(go_on() for _ in range(connections)))
        return count / seconds


def service_times() -> Measured:
    """Start one instance behind nginx and time it."""
    with (
        tempfile.TemporaryDirectory() as name,
        fleet(1, Path(name)) as running,
        balanced(running, Path(name)) as url,
    ):
        cold_s = statistics.median(_cold_start_s(running, Path(name)) for _ in range(COLD_STARTS))

        async def timed() -> tuple[list[float], float]:
            asker = Asker(url)
            await asker.one_by_one(200)
            before = _cpu_ms(running)
            took_ms = await asker.one_by_one(ALONE)
            return took_ms, (_cpu_ms(running) - before) / ALONE

        took_ms, cpu_ms = uvloop.run(timed())
    mean_ms = float(np.mean(took_ms))
    quantiles = np.quantile(took_ms, np.arange(0.005, 1, 0.01)) * cpu_ms / mean_ms
    return Measured(
        [round(float(ms), 4) for ms in quantiles], round(mean_ms - cpu_ms, 4), round(cold_s, 2)
    )


def measured_at(instances: int, work: Callable[[Asker], Coroutine[Any, Any, T]]) -> T:
    """Do the work against so many warm instances behind nginx."""
    with (
        tempfile.TemporaryDirectory() as name,
        fleet(instances, Path(name)) as running,
        balanced(running, Path(name)) as url,
    ):

        async def warmed() -> T:
            asker = Asker(url)
            await asker.without_pause(50, 1.0)
            return await work(asker)

        return uvloop.run(warmed())


def _cold_start_s(running: Fleet, folder: Path) -> float:
    """Start one more `predict` process; return how long until it answered."""
    began = time.perf_counter()
    function = Function("predict", running.environ, folder / "cold.log", "http")
    try:
        function.ready()
        uvloop.run(Asker(function.url).one_by_one(1))
        return time.perf_counter() - began
    finally:
        function.stop()


def _cpu_ms(running: Fleet) -> float:
    """CPU time of the predict workers so far."""
    workers = [w for f in running.predict for w in psutil.Process(f.process.pid).children()]
    return sum(sum(w.cpu_times()[:2]) for w in workers) * 1e3
