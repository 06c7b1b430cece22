"""What instances on this machine need for a request, and how they fare under load."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
import uvloop
from autoscaling import Floats
from fleet import Fleet, balanced, fleet

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from deployed import Function
from drawings import stripes

WARM, ALONE = 50, 400
"""Requests right after one another from which the service time is taken, after some for nothing."""
RESTED = 200
PAUSE_S = 0.005
"""On average, between requests that find their instance at rest: what half load leaves."""


@dataclass(frozen=True)
class Measured:
    """What requests took on their instance, right after another and after a pause, and `front_ms`,
    the CPU time that client and proxy took in either case.
    """

    service_ms: Floats
    rested_ms: Floats
    front_ms: tuple[float, float]


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

    async def back_to_back(self, count: int) -> Floats:
        """Ask so often over two connections, so that a request waits whenever one is answered;
        return the times from answer to answer, in ms.
        """
        answered_s: list[float] = []

        async def go_on() -> None:
            while len(answered_s) <= count:
                await self.ask()
                answered_s.append(time.perf_counter())

        await asyncio.gather(go_on(), go_on())
        return np.diff(answered_s) * 1e3

    async def after_pauses(self, pauses_s: Iterable[float]) -> Floats:
        """Ask after each pause; return how long each took, in ms."""
        took_ms = []
        for pause_s in pauses_s:
            await asyncio.sleep(pause_s)
            began = time.perf_counter()
            await self.ask()
            took_ms.append((time.perf_counter() - began) * 1e3)
        return np.array(took_ms)

    async def at(self, at_s: Floats) -> tuple[Floats, Floats]:
        """Ask at about these times, answered or not; return when each was sent, in s, and how long
        it took, in ms. A timer comes up to a millisecond late: the time that it was sent counts.
        """
        began, sent_s, took_ms = time.perf_counter(), [], []

        async def one() -> None:
            sent = time.perf_counter()
            await self.ask()
            sent_s.append(sent - began)
            took_ms.append((time.perf_counter() - sent) * 1e3)

        tasks = []
        for due in (began + at_s).tolist():
            await asyncio.sleep(max(due - time.perf_counter(), 0))
            tasks.append(asyncio.create_task(one()))
        await asyncio.gather(*tasks)
        return np.sort(sent_s), np.array(took_ms)

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


@contextmanager
def instances(count: int) -> Iterator[tuple[Fleet, str]]:
    """Run so many instances behind nginx; give them and nginx's URL."""
    with (
        tempfile.TemporaryDirectory() as name,
        fleet(count, Path(name)) as running,
        balanced(running, Path(name)) as url,
    ):
        yield running, url


async def service_times(asker: Asker, rng: np.random.Generator) -> Measured:
    """Time requests that have an instance, which is warm, to themselves."""
    await asker.back_to_back(WARM)
    began = _front_cpu_ms()
    service_ms = await asker.back_to_back(ALONE)
    paused = _front_cpu_ms()
    took_ms = await asker.after_pauses(rng.exponential(PAUSE_S, RESTED))
    front_ms = (paused - began) / ALONE, (_front_cpu_ms() - paused) / RESTED
    return Measured(service_ms, took_ms - front_ms[1], front_ms)


def cold_start_s(running: Fleet) -> float:
    """Return how long one more `predict` process takes from its start to its first answer."""
    began = time.perf_counter()
    log = running.data.parent / "cold.log"
    function = Function("predict", running.environ, log, "http")
    try:
        function.ready()
        uvloop.run(Asker(function.url).after_pauses([0.0]))
        return time.perf_counter() - began
    finally:
        function.stop()


def _front_cpu_ms() -> float:
    """CPU time of this process and nginx so far."""
    children = psutil.Process().children(recursive=True)
    nginx = [p.cpu_times() for p in children if p.name() == "nginx"]
    return float(time.process_time() + sum(t.user + t.system for t in nginx)) * 1e3
