"""Routes of a function, and what they share: errors answered, changes authorised."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ocellus.bootstrap import admin_token, app
from ocellus.errors import NotFound, OcellusError, Unauthorized
from ocellus.http.answers import json_response, problem
from ocellus.http.bodies import read_json

log = logging.getLogger("ocellus.http")

Handler = Callable[[Request], Awaitable[Response]]
Routes = Mapping[tuple[str, str], Handler]
"""By method and path; the last part of a path may be a parameter, `{name}`."""


async def dispatch(request: Request, routes: Routes) -> Response:
    """Answer by the route of method and path; every known error becomes a problem."""
    path = request.scope["path"].rstrip("/")  # `request.url` would put a whole URL together
    handler = _find(routes, request.method, path)
    try:
        app()  # made here, on the loop's thread, so that it is made once
        if handler is None:
            methods = sorted(m for m, p in routes if p == path)
            hint = f"It takes {', '.join(methods)}." if methods else "See /api/openapi.json."
            raise NotFound(f"There is no {request.method} {path[:200]}.", hint)
        return await handler(request)
    except OcellusError as e:
        return problem(e)
    except Exception:
        log.exception("%s %s failed", request.method, path)
        remedy = "Try again; if it persists, the server's log says what failed."
        return problem(OcellusError("The server failed on this request.", remedy))


def _find(routes: Routes, method: str, path: str) -> Handler | None:
    if handler := routes.get((method, path)):
        return handler
    parent = path.rpartition("/")[0]
    for (routed, template), handler in routes.items():
        folder, _, last = template.rpartition("/")
        if routed == method and last.startswith("{") and folder == parent:
            return handler
    return None


def reads(work: Callable[[Request], Any]) -> Handler:
    """Make a handler of a blocking function that returns JSON content."""

    async def handler(request: Request) -> Response:
        return json_response(await asyncio.to_thread(work, request))

    return handler


def changes(work: Callable[[Mapping[str, Any]], Any]) -> Handler:
    """Make a handler, open to the token's holder, of a function from a JSON body to content."""

    async def handler(request: Request) -> Response:
        authorise(request)
        fields = await read_json(request)
        return json_response(await asyncio.to_thread(work, fields))

    return handler


@cache
def _token() -> bytes:
    return admin_token(app().settings)[0].encode()


def authorise(request: Request) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), _token()):
        raise Unauthorized(
            "This changes something, so it needs the admin token; "
            + ("the one sent is wrong." if given else "none was sent."),
            "Send `Authorization: Bearer <token>`; the server printed it at its first start "
            "and keeps it in its data folder as `admin-token`.",
        )
