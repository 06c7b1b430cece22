"""Proves the model of loadtest/autoscaling.py on this machine: one instance and three."""

from __future__ import annotations

import statistics
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from autoscaling import Floats, Platform, Service, arrivals, simulate
from conditions import conditions
from service_times import Asker, Measured, measured_at, service_times

CORES = 2
SECONDS = 8.0
ROUNDS = 3


@dataclass(frozen=True)
class Inputs:
    """What the simulation is fed with, and how well it told what was measured beside it."""

    source: str
    service_ms: list[float]
    front_ms: float
    cold_start_s: float
    validation: str


def measure() -> Inputs:
    """Measure the inputs, and what one and three instances do at half their load and at full."""
    source = f"measured by `python loadtest/capacity.py --measure`, {conditions()}"
    found: dict[str, list[tuple[float, float]]] = {}
    rounds = []
    for n in range(ROUNDS):
        print(f"round {n + 1} of {ROUNDS} …", file=sys.stderr)
        alone = service_times()
        rounds.append(alone)
        for instances in (1, 3):
            _compare(alone, instances, found)
    lines = [
        f"\n## Told and measured\n\nMedians of {ROUNDS} rounds, each with service times of its own;"
        f" client, nginx and instances shared {CORES} cores.\n",
        "| | told | measured | told / measured |\n|---|---:|---:|---:|",
    ]
    for name, pairs in found.items():
        told, measured = (statistics.median(x) for x in zip(*pairs, strict=True))
        ratio = statistics.median(t / m for t, m in pairs)
        lines.append(f"| {name} | {told:.1f} | {measured:.1f} | {ratio:.2f} |")
    rounds.sort(key=lambda r: statistics.mean(r.service_ms))
    middle = rounds[len(rounds) // 2]
    return Inputs(
        source, middle.service_ms, middle.front_ms, middle.cold_start_s, "\n".join(lines) + "\n"
    )


def _compare(alone: Measured, instances: int, found: dict[str, list[tuple[float, float]]]) -> None:
    rng = np.random.default_rng(instances)
    service = Service(alone.service_ms, alone.cold_start_s, concurrency=10_000)
    platform = Platform(
        most=instances, least=instances, cores=CORES, front_ms=alone.front_ms, patience_s=1e9
    )
    flood = simulate(np.zeros(5_000), service, platform, rng)
    full = 5_000 / (flood.latency_ms.max() / 1e3)
    measured_full = measured_at(instances, _at_full)
    name = "one instance" if instances == 1 else f"{instances} instances"
    found.setdefault(f"{name}, most requests/s", []).append((full, measured_full))
    at_s = arrivals([(SECONDS, full / 2)], rng)
    told_ms = simulate(at_s, service, platform, rng).latency_ms
    measured_ms = measured_at(instances, partial(_at_half, at_s=at_s))
    for q in (0.5, 0.95):
        pair = float(np.quantile(told_ms, q)), float(np.quantile(measured_ms, q))
        found.setdefault(f"{name}, half of that, p{100 * q:.0f}, ms", []).append(pair)


async def _at_full(asker: Asker) -> float:
    return await asker.without_pause(50, SECONDS)


async def _at_half(asker: Asker, at_s: Floats) -> list[float]:
    return await asker.at(at_s)
