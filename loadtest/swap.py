"""Does a change of version under fire fail, mix or slow down answers, and does memory come back?

One `predict` and one `api` function, started as in deployment, serve the seed model and a second
version: the same network under other labels. 50 connections predict without a pause while the
pointer moves three times; every answer must name one version and carry that version's labels. The
swap second is the one around the first answer of the new version. Then the pointer moves to and fro
50 times under the load of four connections, and the worker's memory is read after every tenth.

    python loadtest/swap.py [--steady 8] [--swaps 50]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import orjson
import psutil
import uvloop
from conditions import conditions
from fleet import SEED, TOKEN, Fleet, fleet

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.sqlite_state import SqliteState
from ocellus.manifest import ARTIFACTS, Manifest, blob_name
from ocellus.versions import Version

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from drawings import stripes

CHANGES = 3
CONNECTIONS = 50
SETTINGS = {"OCELLUS_REFRESH_S": "0.5"}
LABELS = {
    "v1": {f"{x}" for x in Manifest.from_json((SEED / "manifest.json").read_bytes()).labels},
    "v2": {f"class {i}" for i in range(10)},
}


@dataclass
class Answers:
    """What came back: when (`time.perf_counter`), after how many ms, and what was wrong."""

    at: list[float] = field(default_factory=list)
    took_ms: list[float] = field(default_factory=list)
    failed: int = 0
    mixed: int = 0
    newest: str = ""

    def take(self, status: bytes, body: bytes, began: float) -> None:
        now = time.perf_counter()
        self.at.append(now)
        self.took_ms.append((now - began) * 1e3)
        if status != b"200":
            self.failed += 1
            return
        answer = orjson.loads(body)
        self.newest = answer["version"]
        self.mixed += {p["label"] for p in answer["probabilities"]} != LABELS[answer["version"]]

    def within(self, seconds: list[tuple[float, float]]) -> list[float]:
        """Return the times, in ms, of the answers that came in one of these spans."""
        at, took = np.array(self.at), np.array(self.took_ms)
        inside = np.any([(start <= at) & (at < end) for start, end in seconds], axis=0)
        return [float(ms) for ms in took[inside]]


class Versions:
    """Moves the pointer by the api function."""

    def __init__(self, running: Fleet, client: httpx.AsyncClient, answers: Answers) -> None:
        self._api, self._client, self._answers = running.api[0].url, client, answers
        self.now = "v1"

    async def change(self) -> float:
        """Put the other version in service; return when its first answer came. The first change
        is a promotion, each later one a roll-back to the version before.
        """
        path = "promote" if self.now == "v1" else "rollback"
        other = "v2" if self.now == "v1" else "v1"
        answer = await self._client.post(
            f"{self._api}/api/model/{path}",
            headers={"Authorization": f"Bearer {TOKEN}"},
            json={"version": other},
        )
        answer.raise_for_status()
        while self._answers.newest != other:
            await asyncio.sleep(0.002)
        self.now = other
        return time.perf_counter()


async def fire(
    url: str, connections: int, answers: Answers, script: Callable[[], Awaitable[None]]
) -> None:
    """Predict over so many connections, kept alive, until the script is done."""
    image, address = stripes(1), urlsplit(url)
    head = f"POST /api/predict HTTP/1.1\r\nHost: test\r\nContent-Length: {len(image)}\r\n\r\n"
    played = asyncio.ensure_future(script())

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while not played.done():
            began = time.perf_counter()
            writer.write(head.encode() + image)
            headers = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(headers.partition(b"content-length: ")[2].split()[0])
            answers.take(headers.split()[1], await reader.readexactly(length), began)
        writer.close()

    await asyncio.gather(played, *(ask() for _ in range(connections)))


async def under_fire(running: Fleet, steady_s: float) -> None:
    answers, spans, swaps = Answers(), [], []

    async def script() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            versions = Versions(running, client, answers)
            await asyncio.sleep(2)
            for _ in range(CHANGES):
                began = time.perf_counter()
                await asyncio.sleep(steady_s)
                spans.append((began, time.perf_counter()))
                swapped = await versions.change()
                swaps.append((swapped - 0.5, swapped + 0.5))
                await asyncio.sleep(1)

    await fire(running.predict[0].url, CONNECTIONS, answers, script)
    print("| | answers | p50, ms | p99, ms | slowest, ms |\n|---|---:|---:|---:|---:|")
    steady = row("steady", answers.within(spans))
    rows = [row(f"second of swap {n}", answers.within([s])) for n, s in enumerate(swaps, 1)]
    print(
        f"\n{len(answers.at)} answers, {answers.failed} failed, {answers.mixed} mixed; p99 in the "
        f"swap seconds {', '.join(f'{p99 / steady:.2f}' for p99 in rows)} times the steady one.\n"
    )


def row(name: str, took_ms: list[float]) -> float:
    """Print a row; return its p99."""
    p50, p99, most = np.quantile(took_ms, [0.5, 0.99, 1.0])
    print(f"| {name} | {len(took_ms)} | {p50:.1f} | {p99:.1f} | {most:.1f} |")
    return float(p99)


async def to_and_fro(running: Fleet, swaps: int) -> None:
    answers = Answers()
    worker = psutil.Process(running.predict[0].process.pid).children()[0]

    async def script() -> None:
        async with httpx.AsyncClient(timeout=30) as client:
            versions = Versions(running, client, answers)
            versions.now = "v2"
            print("| swaps | resident, MB |\n|---:|---:|")
            for n in range(swaps + 1):
                if n % 10 == 0:
                    print(f"| {n} | {worker.memory_info().rss / 1e6:.1f} |", flush=True)
                await versions.change()

    await fire(running.predict[0].url, 4, answers, script)
    print(f"\n{len(answers.at)} answers, {answers.failed} failed, {answers.mixed} mixed.")


def install_second(data: Path) -> None:
    """Store and register v2: the seed's network under other labels."""
    seed = Manifest.from_json((SEED / "manifest.json").read_bytes())
    second = replace(seed, version="v2", parent="v1", labels=sorted(LABELS["v2"]))
    blobs = DirectoryBlobs(data / "blobs")
    for name in ARTIFACTS:
        blobs.put(blob_name("v2", name), (SEED / name).read_bytes())
    blobs.put(blob_name("v2", "manifest.json"), second.to_json())
    with closing(SqliteState(data / "state.sqlite")) as state:
        version = Version("v2", "v1", time.time(), 0.9, 10, "promoted", "The seed, renamed.")
        state.add_version(version)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steady", type=float, default=8.0, help="seconds between two changes")
    parser.add_argument("--swaps", type=int, default=50, help="while memory is read")
    given = parser.parse_args()
    print(f"# Swap under fire\n\n`python loadtest/swap.py`: {conditions()}.\n")
    with tempfile.TemporaryDirectory() as name, fleet(1, Path(name), **SETTINGS) as running:
        install_second(running.data)
        uvloop.run(under_fire(running, given.steady))
        uvloop.run(to_and_fro(running, given.swaps))


if __name__ == "__main__":
    main()
