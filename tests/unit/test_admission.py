"""What an instance takes on at once, and how much of it from one client."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from starlette.requests import Request

from ocellus.admission import _MAX_CLIENTS, Admission
from ocellus.errors import Overloaded
from ocellus.http.overload import client_of, kept_bytes


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def times_admitted(admission: Admission, client: str, tries: int) -> int:
    admitted = 0
    for _ in range(tries):
        try:
            admission.admit(client, 0)()
        except Overloaded:
            continue
        admitted += 1
    return admitted


def test_beyond_the_bound_requests_are_refused_until_one_leaves() -> None:
    admission = Admission(2, 1000)
    leave: list[Callable[[], None]] = [admission.admit("a", 1) for _ in range(2)]
    with pytest.raises(Overloaded, match="2 requests") as refused:
        admission.admit("b", 1)
    assert refused.value.retry_after_s == 1
    leave[0]()
    admission.admit("b", 1)
    assert admission.at_hand == (2, 2)


def test_bodies_are_bounded_together_and_one_alone_is_taken() -> None:
    admission = Admission(10, 100)
    leave = admission.admit("a", 500)
    with pytest.raises(Overloaded, match="500 bytes"):
        admission.admit("a", 1)
    leave()
    admission.admit("a", 60)
    admission.admit("a", 40)
    with pytest.raises(Overloaded, match="100 bytes"):
        admission.admit("a", 1)


def test_a_client_has_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    admission = Admission(10, 100, client_rate=2.0, clock=clock)
    assert times_admitted(admission, "a", 50) == 10  # five seconds' worth
    assert times_admitted(admission, "b", 50) == 10
    clock.now += 3
    assert times_admitted(admission, "a", 50) == 6
    clock.now += 1000
    assert times_admitted(admission, "a", 50) == 10


def test_a_client_hears_when_to_come_again() -> None:
    clock = Clock()
    admission = Admission(10, 100, client_rate=0.1, clock=clock)
    admission.admit("a", 0)()
    with pytest.raises(Overloaded, match="0.1 requests a second") as refused:
        admission.admit("a", 0)
    assert refused.value.retry_after_s == 10
    clock.now += refused.value.retry_after_s
    admission.admit("a", 0)


def test_clients_are_forgotten_the_oldest_first() -> None:
    admission = Admission(10, 100, client_rate=0.1, clock=Clock())
    for number in range(_MAX_CLIENTS + 1):
        admission.admit(str(number), 0)()
    assert times_admitted(admission, "0", 1) == 1
    assert times_admitted(admission, str(_MAX_CLIENTS), 1) == 0


def request(**headers: str) -> Request:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request({"type": "http", "headers": raw, "client": ("10.0.0.1", 5)})


@pytest.mark.parametrize(
    ("forwarded", "proxies", "client"),
    [
        ("1.1.1.1", 0, "10.0.0.1"),
        ("6.6.6.6, 1.1.1.1", 1, "1.1.1.1"),
        ("6.6.6.6, 1.1.1.1, 2.2.2.2", 2, "1.1.1.1"),
        ("1.1.1.1", 2, "10.0.0.1"),
    ],
)
def test_a_client_cannot_choose_its_address(forwarded: str, proxies: int, client: str) -> None:
    assert client_of(request(x_forwarded_for=forwarded), proxies) == client


def test_only_what_will_be_kept_of_a_body_counts() -> None:
    assert kept_bytes(request(content_length="1000")) == 1000
    assert kept_bytes(request(content_length=str(40 << 20))) == 0  # read and dropped
    assert kept_bytes(request(transfer_encoding="chunked")) == 32 << 20
    assert kept_bytes(request()) == 0
