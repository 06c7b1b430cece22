"""Sending files where they were signed for: several at once, and again where a connection fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from ocellus.cli.client import Server, ServerError
from ocellus.cli.sources import LabelledFile, Read

AT_ONCE = 8
_FIRST_RETRY_S = 0.5
_TRIES = 7
"""The last after half a minute."""

T = TypeVar("T")


def patiently(call: Callable[[], T]) -> T:
    """Return what the call returns, calling again 0.5, 1, 2 … 16 s after a fault that may pass.

    No library: the only ones at hand retry requests of their own.

    Raises: ServerError.
    """
    for tried in range(1, _TRIES):
        try:
            return call()
        except ServerError as e:
            if not e.is_passing:
                raise
        time.sleep(_FIRST_RETRY_S * 2 ** (tried - 1))
    return call()


class Delivery:
    """Sends files on threads of its own."""

    def __init__(self, server: Server, read: Read) -> None:
        self._server, self._read = server, read
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._under_way: dict[Future[str], LabelledFile] = {}

    def send(self, file: LabelledFile, upload: Mapping[str, Any]) -> None:
        """Send the file as soon as a thread is free."""
        self._under_way[self._pool.submit(self._send, file, upload)] = file

    def finished(self, leave: int = 0) -> Iterator[tuple[LabelledFile, str]]:
        """Yield each file that has been sent, with the store's refusal or "", until no more than
        `leave` are under way.

        Raises: ServerError if the store stays out of reach.
        """
        while len(self._under_way) > leave:
            done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield self._under_way.pop(future), future.result()

    def close(self) -> None:
        """Send no more."""
        self._pool.shutdown(cancel_futures=True)

    def _send(self, file: LabelledFile, upload: Mapping[str, Any]) -> str:
        data = self._read(file.name)

        def put() -> str:
            answer = self._server.send(upload, data)
            if answer.is_success or answer.status_code == 412:  # it is there already
                return ""
            refusal = f"{answer.status_code} {answer.reason_phrase}: {answer.text[:200]}"
            fault = ServerError(refusal, problem={"status": answer.status_code})
            if fault.is_passing:
                raise fault
            return refusal

        return patiently(put)
