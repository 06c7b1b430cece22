"""Admission: how much an instance takes on at once, and how much of it from one client."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from ocellus.errors import Overloaded

_MAX_CLIENTS = 10_000
"""Remembered, the latest; a client that is forgotten starts anew."""
_BURST_S = 5.0
"""How many seconds' worth of requests a client that was quiet may send at once."""


class Admission:
    """Counts what is being worked on or waits, in requests and in bytes of their bodies.

    Not for threads: all is asked and given back on the event loop's.
    """

    def __init__(
        self,
        most_requests: int,
        most_bytes: int,
        client_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`client_rate` in requests/s; None sets a client no limit of its own."""
        self._most_requests, self._most_bytes = most_requests, most_bytes
        self._rate, self._clock = client_rate, clock
        self._requests = self._bytes = 0
        self._paid_until: OrderedDict[str, float] = OrderedDict()

    @property
    def at_hand(self) -> tuple[int, int]:
        """How many requests, and bytes of bodies."""
        return self._requests, self._bytes

    def admit(self, client: str, size_bytes: int) -> Callable[[], None]:
        """Take a request on, and return what to call once it is over. One alone is never too large.

        Raises: Overloaded.
        """
        if self._requests >= self._most_requests or (
            self._bytes and self._bytes + size_bytes > self._most_bytes
        ):
            raise Overloaded(
                f"This instance has {self._requests} requests with {self._bytes} bytes at hand, "
                "and takes no more just now.",
                "Send it again after a moment.",
                1,
            )
        if self._rate is not None:
            self._charge(client, self._rate)
        self._requests += 1
        self._bytes += size_bytes

        def leave() -> None:
            self._requests -= 1
            self._bytes -= size_bytes

        return leave

    def _charge(self, client: str, rate: float) -> None:
        """Let the client pay 1 / rate seconds a request, up to _BURST_S in advance.

        Source: the generic cell rate algorithm, ITU-T I.371: a token bucket in one number.
        """
        now = self._clock()
        paid_until = max(self._paid_until.get(client, now), now)
        wait_s = paid_until + 1 / rate - now - max(_BURST_S, 1 / rate)
        if wait_s > 1e-9:
            raise Overloaded(
                f"The limit is {rate:g} requests a second from one address.",
                "Send them more slowly, or several images in one request to /api/predict/batch.",
                math.ceil(wait_s),
            )
        self._paid_until[client] = paid_until + 1 / rate
        self._paid_until.move_to_end(client)
        if len(self._paid_until) > _MAX_CLIENTS:
            self._paid_until.popitem(last=False)
