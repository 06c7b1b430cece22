"""A simulation of instances that have to share a machine's cores, as in a test on one machine.

An instance here does what one of loadtest/autoscaling.py does: it answers one request at a time,
faster right after another than after a pause. Only who runs is different: the kernel's scheduler
gives each process a core for a slice of time, in turn, and whoever comes to a core after another
finds its caches cold.
"""

from __future__ import annotations

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np
from autoscaling import Floats, Service


@dataclass(frozen=True)
class Machine:
    """`front_ms` is what client and proxy, one process here, take of a request's time before its
    instance does. `slice_s` is how long a process keeps a core that others wait for: a tick of the
    kernel's clock.
    """

    cores: int
    front_ms: float = 0.0
    slice_s: float = 0.004


class _Core:
    process = 0
    busy = False
    slice_ends = 0.0


def play(
    at_s: Floats, service: Service, instances: int, machine: Machine, rng: np.random.Generator
) -> Floats:
    """Return the latencies, in ms, of requests that arrive at `at_s`, sorted. Each goes to the
    instance with the fewest at that time, as nginx's `least_conn` has it.
    """
    busy_s = rng.choice(np.asarray(service.service_ms) / 1e3, len(at_s))
    rested_s = rng.choice(np.asarray(service.rested_ms) / 1e3, len(at_s))
    turn_s = float(np.mean(service.rested_ms) - np.mean(service.service_ms)) / 1e3
    left_s = np.full(len(at_s), machine.front_ms / 1e3).tolist()
    begun = [False] * len(at_s)
    queues: list[deque[int]] = [deque() for _ in range(instances + 1)]  # the first is the front's
    cores = [_Core() for _ in range(machine.cores)]
    ready: deque[int] = deque()
    done_s = np.zeros(len(at_s))
    events: list[tuple[float, int, int, float]] = []  # when, its number, core, how long it ran
    numbers = iter(range(1 << 62))

    def enqueue(request: int, process: int, now: float) -> None:
        queues[process].append(request)
        runs = any(core.busy and core.process == process for core in cores)
        if len(queues[process]) == 1 and not runs:
            ready.append(process)
            for index, core in enumerate(cores):
                if not core.busy:
                    go_on(index, now)
                    break

    def go_on(index: int, now: float) -> None:
        """Let the core run what is due, until that is done or its slice is over."""
        core = cores[index]
        stays = core.busy and bool(queues[core.process])
        turned = not stays or (now >= core.slice_ends and bool(ready))
        if turned:
            if stays:
                ready.append(core.process)
            core.busy = bool(ready)
            if not ready:
                return
            core.process = ready.popleft()
        if turned or now >= core.slice_ends:
            core.slice_ends = now + machine.slice_s
        request = queues[core.process][0]
        if core.process and not begun[request]:
            left_s[request] = float((rested_s if turned else busy_s)[request])
        elif core.process and turned:
            left_s[request] += turn_s
        begun[request] = core.process > 0
        for_s = min(left_s[request], core.slice_ends - now)
        heapq.heappush(events, (now + for_s, next(numbers), index, for_s))

    arriving = iter(enumerate(at_s.tolist()))
    coming = next(arriving, None)
    while events or coming:
        if coming and (not events or coming[1] <= events[0][0]):
            enqueue(coming[0], 0, coming[1])
            coming = next(arriving, None)
            continue
        now, _, index, for_s = heapq.heappop(events)
        process = cores[index].process
        request = queues[process][0]
        left_s[request] -= for_s
        if left_s[request] <= 1e-9:
            queues[process].popleft()
            if process:
                done_s[request] = now
            else:
                fewest = min(range(1, instances + 1), key=lambda i: len(queues[i]))
                enqueue(request, fewest, now)
        go_on(index, now)
    return (done_s - at_s) * 1e3
