"""When the tallies are flushed: in a request that finds it due, which waits only so long."""

from __future__ import annotations

import asyncio
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest
from fakes import Faulty, MemoryState
from starlette.requests import Request
from starlette.responses import Response

from ocellus.errors import BadInput
from ocellus.http import beside, counting
from ocellus.http.counting import counted
from ocellus.statistics import Tallies

REQUEST = Request({"type": "http"})


class Instance:
    def __init__(self, flush_s: float) -> None:
        self.state = MemoryState()
        self.store = Faulty(self.state)
        self.tallies = Tallies(self.store, flush_s, writer="one")

    async def answer(self, request: Request) -> Response:
        self.tallies.refused()
        return Response()

    @property
    def added(self) -> int:
        return self.state.counts().get("refused", 0)


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Instance:
    instance = Instance(flush_s=3600.0)
    monkeypatch.setattr(counting, "app", lambda: SimpleNamespace(tallies=instance.tallies))
    return instance


async def until_added(instance: Instance, count: int) -> None:
    deadline = time.monotonic() + 10
    while instance.added != count:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


async def test_a_request_that_finds_a_flush_due_is_counted_before_its_answer(
    instance: Instance,
) -> None:
    await counted(instance.answer)(REQUEST)
    assert instance.added == instance.state.statistics().refused == 1


async def test_later_requests_leave_the_store_alone(instance: Instance) -> None:
    for _ in range(5):
        await counted(instance.answer)(REQUEST)
    assert instance.added == 1
    assert instance.store.calls["add_counts"] == 1


async def test_a_refusal_is_counted_too(instance: Instance) -> None:
    async def refuse(request: Request) -> Response:
        instance.tallies.refused()
        raise BadInput("no")

    with pytest.raises(BadInput):
        await counted(refuse)(REQUEST)
    assert instance.added == 1


async def test_what_no_request_follows_is_flushed_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = Instance(flush_s=0.05)
    monkeypatch.setattr(counting, "app", lambda: SimpleNamespace(tallies=instance.tallies))
    for _ in range(2):
        await counted(instance.answer)(REQUEST)
    await until_added(instance, 2)


async def test_a_store_without_answer_holds_a_request_only_so_long(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave = threading.Event()
    add_counts = instance.state.add_counts

    def slow(*args: Any) -> None:
        assert leave.wait(10)
        add_counts(*args)

    monkeypatch.setattr(instance.state, "add_counts", slow)
    monkeypatch.setattr(counting, "FLUSH_WAIT_S", 0.02)
    for _ in range(5):
        await counted(instance.answer)(REQUEST)
    assert (instance.added, instance.tallies.waiting) == (0, 5)
    assert instance.store.calls["add_counts"] == 1
    leave.set()
    await until_added(instance, 1)


async def test_a_store_that_is_down_fails_no_request_and_is_asked_again(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.store.down = True
    await counted(instance.answer)(REQUEST)
    assert instance.tallies.fault is not None
    instance.store.down = False
    monkeypatch.setattr(instance.tallies, "_next_flush", 0.0)
    await counted(instance.answer)(REQUEST)
    assert (instance.added, instance.tallies.fault) == (2, None)


async def test_work_beside_requests_is_done_once_at_a_time() -> None:
    leave, calls = threading.Event(), []

    def work() -> int:
        calls.append(1)
        assert leave.wait(10)
        return 7

    assert [await beside.wait_for(work, 0.01) for _ in range(3)] == [None] * 3
    leave.set()
    assert await beside.wait_for(work, 10) == 7
    assert len(calls) == 1
    assert await beside.wait_for(work, 10) == 7
    assert len(calls) == 2
