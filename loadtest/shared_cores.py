"""A simulation of instances that have to share a machine's cores, as in a test on one machine.

An instance here does what one of loadtest/autoscaling.py does: it answers one request at a time,
faster right after another than after a pause. Only who runs is different. A request goes through
client and proxy, one process here, to its instance, and back through them. The kernel gives a
process that wakes an idle core, or lets it wait in the queue of the core that it last had; it lets
processes of one queue run for a slice of time each, in turn; and an idle core takes over one that
waits elsewhere no sooner than at the clock's next tick. Whoever comes to a core after another finds
its caches cold.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from autoscaling import Floats, Service

_IDLE, _FRONT = -1, 0


@dataclass(frozen=True)
class Machine:
    """`front_ms` is what client and proxy take of a request's time, half of it before its instance
    and half after: right after another request, and after a pause.
    """

    cores: int
    front_ms: tuple[float, float] = (0.0, 0.0)
    tick_s: float = 0.004
    """Of the kernel's clock: a slice, and how often cores are balanced (Linux: 1 / CONFIG_HZ)."""


@dataclass
class _Core:
    process: int = _IDLE
    slice_ends: float = 0.0
    waiting: deque[int] = field(default_factory=deque)


@dataclass
class _Task:
    """A request's work for one process: `busy_s` of it right after another, `rested_s` else;
    `turn_s` more whenever the process is interrupted.
    """

    request: int
    busy_s: float
    rested_s: float
    turn_s: float
    left_s: float = 0.0
    begun: bool = False


def play(
    at_s: Floats, service: Service, instances: int, machine: Machine, rng: np.random.Generator
) -> Floats:
    """Return the latencies, in ms, of requests that arrive at `at_s`, sorted. Each goes to the
    instance with the fewest at that time, as nginx's `least_conn` has it.
    """
    return _Play(at_s, service, instances, machine, rng).latencies_ms()


class _Play:
    def __init__(
        self,
        at_s: Floats,
        service: Service,
        instances: int,
        machine: Machine,
        rng: np.random.Generator,
    ) -> None:
        self._at_s, self._machine = at_s, machine
        self._busy_s = (rng.choice(np.asarray(service.service_ms), len(at_s)) / 1e3).tolist()
        self._rested_s = (rng.choice(np.asarray(service.rested_ms), len(at_s)) / 1e3).tolist()
        self._turn_s = float(np.mean(service.rested_ms) - np.mean(service.service_ms)) / 1e3
        self._answered = [False] * len(at_s)
        self._done_s = np.zeros(len(at_s))
        self._tasks: list[deque[_Task]] = [deque() for _ in range(instances + 1)]
        self._home = [process % machine.cores for process in range(instances + 1)]
        self._cores = [_Core() for _ in range(machine.cores)]
        self._events: list[tuple[float, int, int, float | None]] = []
        """When, its number, the core, and for how long it will have run, or None: it looks about.
        """
        self._numbers = iter(range(1 << 62))
        self._balancing: set[int] = set()

    def latencies_ms(self) -> Floats:
        arriving = iter(enumerate(self._at_s.tolist()))
        coming = next(arriving, None)
        while self._events or coming:
            if coming and (not self._events or coming[1] <= self._events[0][0]):
                self._to_front(coming[0], coming[1])
                coming = next(arriving, None)
                continue
            now, _, index, ran_s = heapq.heappop(self._events)
            if ran_s is None:
                self._balance(index, now)
            else:
                self._ran(index, ran_s, now)
        return (self._done_s - self._at_s) * 1e3

    def _to_front(self, request: int, now: float) -> None:
        busy_ms, rested_ms = self._machine.front_ms
        if rested_ms:
            task = _Task(request, busy_ms / 2e3, rested_ms / 2e3, (rested_ms - busy_ms) / 2e3)
            self._enqueue(task, _FRONT, now)
        else:
            self._pass_on(request, _FRONT, now)

    def _enqueue(self, task: _Task, process: int, now: float) -> None:
        self._tasks[process].append(task)
        if len(self._tasks[process]) > 1 or any(c.process == process for c in self._cores):
            return
        home = self._home[process]
        idle = [i for i, core in enumerate(self._cores) if core.process == _IDLE]
        chosen = home if home in idle or not idle else idle[0]
        self._cores[chosen].waiting.append(process)
        if chosen in idle:
            self._go_on(chosen, now)

    def _ran(self, index: int, ran_s: float, now: float) -> None:
        """Take note of what the core's process has done, and pass on what is ready."""
        process = self._cores[index].process
        task = self._tasks[process][0]
        task.left_s -= ran_s
        if task.left_s <= 1e-9:
            self._tasks[process].popleft()
            self._pass_on(task.request, process, now)
        self._go_on(index, now)

    def _pass_on(self, request: int, process: int, now: float) -> None:
        if process != _FRONT:
            self._answered[request] = True
            self._to_front(request, now)
        elif self._answered[request]:
            self._done_s[request] = now
        else:
            fewest = min(range(1, len(self._tasks)), key=lambda i: len(self._tasks[i]))
            task = _Task(request, self._busy_s[request], self._rested_s[request], self._turn_s)
            self._enqueue(task, fewest, now)

    def _go_on(self, index: int, now: float) -> None:
        """Let the core run what is due, until that is done or its slice is over."""
        core = self._cores[index]
        stays = core.process != _IDLE and bool(self._tasks[core.process])
        turned = not stays or (now >= core.slice_ends and bool(core.waiting))
        if turned:
            if stays:
                core.waiting.append(core.process)
            core.process = core.waiting.popleft() if core.waiting else _IDLE
            self._see_to_balance(now)
        if core.process == _IDLE:
            return
        if turned or now >= core.slice_ends:
            core.slice_ends = now + self._machine.tick_s
        self._home[core.process] = index
        task = self._tasks[core.process][0]
        if not task.begun:
            task.left_s = task.rested_s if turned else task.busy_s
            task.begun = True
        elif turned:
            task.left_s += task.turn_s
        for_s = min(task.left_s, core.slice_ends - now)
        heapq.heappush(self._events, (now + for_s, next(self._numbers), index, for_s))

    def _see_to_balance(self, now: float) -> None:
        """Have each idle core look, at the next tick, whether something waits elsewhere."""
        if not any(core.waiting for core in self._cores):
            return
        tick_s = self._machine.tick_s
        at = (math.floor(now / tick_s) + 1) * tick_s
        for index, core in enumerate(self._cores):
            if core.process == _IDLE and index not in self._balancing:
                self._balancing.add(index)
                heapq.heappush(self._events, (at, next(self._numbers), index, None))

    def _balance(self, index: int, now: float) -> None:
        self._balancing.discard(index)
        if self._cores[index].process != _IDLE:
            return
        for other in self._cores:
            if other.waiting:
                self._cores[index].waiting.append(other.waiting.popleft())
                self._go_on(index, now)
                return
