"""When the tallies are flushed: by requests, because between them CPU may be withheld."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import app
from ocellus.http import beside
from ocellus.http.routing import Handler
from ocellus.http.streaming import Stream
from ocellus.statistics import Tallies

FLUSH_WAIT_S = 0.25

_timed: set[Tallies] = set()


def counted(handler: Handler) -> Handler:
    """Make a handler whose request, if a flush is due, does it before it is answered, and waits for
    it up to FLUSH_WAIT_S; where the answer streams, at its end.
    """

    async def handle(request: Request) -> Response:
        response = None
        try:
            response = await handler(request)
            return response
        finally:
            if isinstance(response, Stream):
                response.at_end.append(_flush_if_due)
            else:
                await _flush_if_due()

    return handle


async def _flush_if_due() -> None:
    tallies = app().tallies
    if tallies.flush_due():
        await asyncio.wait({_flush(tallies)}, timeout=FLUSH_WAIT_S)
    _flush_later(tallies)


def _flush(tallies: Tallies) -> asyncio.Task[None]:
    task = beside.start(tallies.flush)
    task.add_done_callback(lambda _: _flush_later(tallies))
    return task


def _flush_later(tallies: Tallies) -> None:
    """See that what is left is flushed if no request comes, as far as there is CPU for it."""
    if tallies in _timed:
        return
    in_s = tallies.flush_in_s()
    if in_s is not None:
        _timed.add(tallies)
        asyncio.get_running_loop().call_later(in_s, _flush_now, tallies)


def _flush_now(tallies: Tallies) -> None:
    _timed.discard(tallies)
    if tallies.flush_due():
        _flush(tallies)
    else:
        _flush_later(tallies)
