"""What keeps an instance answering when more is asked than it can do.

Requests beyond what `Admission` allows are refused before their body is read, so that refusing
costs next to nothing and ends with the flood.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import app
from ocellus.http.bodies import MAX_BODY_BYTES
from ocellus.http.routing import Handler
from ocellus.http.streaming import Stream


def limited(handler: Handler) -> Handler:
    """Make a handler that takes on what this instance can."""

    async def handle(request: Request) -> Response:
        settings = app().settings
        client = client_of(request, settings.proxies) if settings.client_rate else ""
        leave = app().admission.admit(client, kept_bytes(request))
        try:
            response = await handler(request)
        except BaseException:
            leave()
            raise
        if not isinstance(response, Stream):
            leave()
            return response

        async def leave_at_end() -> None:
            leave()

        response.at_end.append(leave_at_end)
        return response

    return handle


def client_of(request: Request, proxies: int) -> str:
    """Return the client's address: the peer's, or the one that the outermost of our own `proxies`
    saw. Each appends its peer's to X-Forwarded-For; what stands before that anybody can write.
    """
    peer = request.client.host if request.client else ""
    if not proxies:
        return peer
    seen = request.headers.get("x-forwarded-for", "").split(",")
    return seen[-proxies].strip() if len(seen) >= proxies else peer


def kept_bytes(request: Request) -> int:
    """Return how much of the body will be kept in memory: nothing of one that is too large."""
    declared = request.headers.get("content-length", "")
    if not (declared.isascii() and declared.isdigit()):
        return MAX_BODY_BYTES if "transfer-encoding" in request.headers else 0
    size = int(declared)
    return size if size <= MAX_BODY_BYTES else 0
