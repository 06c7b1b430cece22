"""Faults between an adapter that speaks HTTP and the emulator that answers it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import requests

Fault = Callable[[requests.Response], None]
Disturb = Callable[[str, Iterator[Fault]], None]


def lost(response: requests.Response) -> None:
    raise requests.ConnectionError("the answer was lost")


def status(code: int) -> Fault:
    def change(response: requests.Response) -> None:
        response.status_code, response._content = code, b""

    return change


def always(fault: Fault) -> Iterator[Fault]:
    return iter(lambda: fault, None)
