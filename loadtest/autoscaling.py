"""A simulation of instances that scale with their load, as Cloud Run scales them. Nothing else."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Service:
    """What one instance does. Both times are measured ones of a request alone on its CPU:
    `service_ms` right after the last one, `rested_ms` after a pause. A processor that slept or did
    something else comes back to cold caches.
    """

    service_ms: Sequence[float]
    rested_ms: Sequence[float]
    cold_start_s: float
    concurrency: int
    flush_s: float = 3.0
    writes_a_flush: int = 2


@dataclass(frozen=True)
class Platform:
    """What runs the instances. It starts one more when CPU use of those there, over a window, is
    above the target, or when more requests wait than they take. Cloud Run keeps idle ones up to 15
    minutes: in a shorter simulation none ends.

    Source: https://cloud.google.com/run/docs/about-instance-autoscaling
    """

    most: int = 1_000
    least: int = 0
    target: float = 0.6
    window_s: int = 60
    patience_s: float = 10.0
    """How long a request waits for an instance before it is refused with 429."""


@dataclass(frozen=True)
class Outcome:
    """What became of the requests. `billed_s` sums up, over instances, the time in which at least
    one request was active, each stretch rounded up to 100 ms; what comes within these is in them.
    """

    latency_ms: Floats
    cold: int
    refused: int
    instances: int
    billed_s: float
    writes: int


@dataclass
class _Instance:
    ready_at: float
    free_at: float
    active_from: float
    active_until: float
    flushed_at: float = -math.inf


def arrivals(curve: Sequence[tuple[float, float]], rng: np.random.Generator) -> Floats:
    """Draw Poisson arrivals, in seconds, for stretches of (seconds, requests a second)."""
    ends = np.cumsum([0.0, *(seconds for seconds, _ in curve)])
    parts = [
        start + np.sort(rng.uniform(0, end - start, rng.poisson((end - start) * rate)))
        for (start, end), (_, rate) in zip(pairwise(ends), curve, strict=True)
    ]
    return np.concatenate(parts)


def simulate(
    at_s: Floats, service: Service, platform: Platform, rng: np.random.Generator
) -> Outcome:
    """Play requests that arrive at `at_s`, sorted. Each goes to the instance that is free first,
    which answers one at a time, as one event loop on one CPU does.
    """
    busy_s = rng.choice(np.asarray(service.service_ms) / 1e3, len(at_s)).tolist()
    rested_s = rng.choice(np.asarray(service.rested_ms) / 1e3, len(at_s)).tolist()
    instances: list[_Instance] = []
    by_free: list[tuple[float, int]] = []
    in_system: list[float] = []
    work_s = [0.0] * platform.window_s  # a second each, of the window
    latency_ms, cold, refused, writes, billed_s = [], 0, 0, 0, 0.0

    def scale_to(count: int, now: float, ready_at: float) -> None:
        while len(instances) < min(count, platform.most):
            heapq.heappush(by_free, (ready_at, len(instances)))
            instances.append(_Instance(ready_at, ready_at, now, now))

    scale_to(platform.least, 0.0, 0.0)
    second = 0
    for now, if_busy, if_rested in zip(at_s.tolist(), busy_s, rested_s, strict=True):
        while second < int(now):
            second += 1
            used = sum(work_s) / min(second, platform.window_s)
            scale_to(math.ceil(used / platform.target), second, second + service.cold_start_s)
            work_s[second % platform.window_s] = 0.0
        while in_system and in_system[0] <= now:
            heapq.heappop(in_system)
        scale_to(
            math.ceil((len(in_system) + 1) / service.concurrency), now, now + service.cold_start_s
        )
        free_at, index = by_free[0]
        instance = instances[index]
        start, work = (free_at, if_busy) if free_at >= now else (now, if_rested)
        if start - now > platform.patience_s:
            refused += 1
            continue
        done = start + work
        heapq.heapreplace(by_free, (done, index))
        heapq.heappush(in_system, done)
        work_s[second % platform.window_s] += work
        cold += instance.ready_at > now
        latency_ms.append((done - now) * 1e3)
        so_far_s = _rounded(instance.active_until - instance.active_from)
        if now > instance.active_from + so_far_s:
            billed_s += so_far_s
            instance.active_from = now
        instance.active_until = done
        if now - instance.flushed_at >= service.flush_s:
            writes += service.writes_a_flush
            instance.flushed_at = now
    billed_s += sum(_rounded(i.active_until - i.active_from) for i in instances)
    return Outcome(np.array(latency_ms), cold, refused, len(instances), billed_s, writes)


def _rounded(seconds: float) -> float:
    return math.ceil(seconds * 10 - 1e-9) / 10
