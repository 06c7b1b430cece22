"""Proves the model of loadtest/autoscaling.py on this machine: one instance and three.

Requests that have an instance to themselves are timed, one by one: by turns on each, for what ran
in between empties the caches. From these times the model tells what one instance and three do at
full load and at half of it, when requests wait for each other and instances, nginx and client for
the cores. Then they get that load.
"""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass

import numpy as np
import uvloop
from autoscaling import Floats, Service, arrivals
from conditions import conditions
from service_times import Asker, Measured, cold_start_s, instances, service_times
from shared_cores import Machine, play

CORES = 2
WARM_S, FULL_S, HALF_S = 2.0, 1.0, 2.0
CONNECTIONS = 50
ROUNDS = 13
"""Short ones, so that what disturbs the machine disturbs what is told and what is measured."""
COLD_STARTS = 3
FLOOD = 2_000


@dataclass(frozen=True)
class Inputs:
    """What the simulation is fed with, and how well it told what was measured beside it."""

    source: str
    service_ms: list[float]
    rested_ms: list[float]
    cold_start_s: float
    validation: str


@dataclass(frozen=True)
class Load:
    """What instances did: answers a second at full load; at half of it, when requests were sent, in
    seconds, and how long they took.
    """

    full_per_s: float
    sent_s: Floats
    took_ms: Floats


def measure() -> Inputs:
    """Measure the inputs, and what one and three instances do at full load and at half of it."""
    source = f"measured by `python loadtest/capacity.py --measure`, {conditions()}"
    rng = np.random.default_rng(1)
    found: dict[str, list[tuple[float, float]]] = {}
    rounds = []
    with instances(1) as (single, single_url), instances(3) as (_, triple_url):
        cold_s = [cold_start_s(single) for _ in range(COLD_STARTS)]
        urls = {1: single_url, 3: triple_url}
        for url in urls.values():
            uvloop.run(Asker(url).without_pause(CONNECTIONS, WARM_S))
        for n in range(ROUNDS):
            print(f"round {n + 1} of {ROUNDS} …", file=sys.stderr)
            for count, url in urls.items():
                alone = uvloop.run(service_times(Asker(url), rng))
                if count == 1:
                    rounds.append(alone)
                load = uvloop.run(_loaded(Asker(url), rng))
                for name, pair in _compared(alone, count, load, rng).items():
                    found.setdefault(name, []).append(pair)
    return Inputs(
        source,
        _quantiles([r.service_ms for r in rounds]),
        _quantiles([r.rested_ms for r in rounds]),
        round(statistics.median(cold_s), 2),
        _table(found),
    )


def _quantiles(rounds: list[Floats]) -> list[float]:
    """Return a hundred quantiles of all rounds' times."""
    found = np.quantile(np.concatenate(rounds), np.arange(0.005, 1, 0.01))
    return [round(float(ms), 3) for ms in found]


async def _loaded(asker: Asker, rng: np.random.Generator) -> Load:
    full_per_s = await asker.without_pause(CONNECTIONS, FULL_S)
    return Load(full_per_s, *await asker.at(arrivals([(HALF_S, full_per_s / 2)], rng)))


def _compared(
    alone: Measured, count: int, load: Load, rng: np.random.Generator
) -> dict[str, tuple[float, float]]:
    """Return what the model tells of so many instances, each beside what they did."""
    service = Service(list(alone.service_ms), list(alone.rested_ms), 0.0, concurrency=10_000)
    machine = Machine(CORES, alone.front_ms)
    full_per_s = FLOOD / (play(np.zeros(FLOOD), service, count, machine, rng).max() / 1e3)
    told_ms = play(load.sent_s, service, count, machine, rng)
    name = "one instance" if count == 1 else f"{count} instances"
    return {f"{name}, most requests/s": (full_per_s, load.full_per_s)} | {
        f"{name}, half of that, p{100 * q:.0f}, ms": (
            float(np.quantile(told_ms, q)),
            float(np.quantile(load.took_ms, q)),
        )
        for q in (0.5, 0.95)
    }


def _table(found: dict[str, list[tuple[float, float]]]) -> str:
    lines = [
        f"\n## Told and measured\n\nMedians of {ROUNDS} rounds. Each times requests that have an"
        " instance to themselves, right after another and after a pause, on one instance and by"
        " turns on three; tells from that what they do under load on"
        f" {CORES} cores which they share with client and nginx; and puts that load on them.\n",
        "| | told | measured | told / measured | in each round |\n|---|---:|---:|---:|---|",
    ]
    for name, pairs in found.items():
        told, measured = (statistics.median(x) for x in zip(*pairs, strict=True))
        ratios = [t / m for t, m in pairs]
        each = " ".join(f"{ratio:.2f}" for ratio in ratios)
        lines.append(
            f"| {name} | {told:.1f} | {measured:.1f} | {statistics.median(ratios):.2f} | {each} |"
        )
    return "\n".join(lines) + "\n"
