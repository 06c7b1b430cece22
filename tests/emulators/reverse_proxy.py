"""An ASGI app that passes requests on to another server, bodies streamed both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

_TIMEOUT_S = 60.0  # Source: https://firebase.google.com/docs/hosting/functions
# Source: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1
_HOP_BY_HOP = {
    b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te",
    b"trailer", b"transfer-encoding", b"upgrade",
}  # fmt: skip


class ReverseProxy:
    """Answers with what the server at `base` answers to the same method, path, headers and body."""

    def __init__(self, base: str) -> None:
        self._base = base
        # Idle connections go before the server would close them, perhaps under a request.
        limits = httpx.Limits(max_connections=None, keepalive_expiry=1.0)
        self._transport = httpx.AsyncHTTPTransport(limits=limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._ask(Request(scope, receive))
        await response(scope, receive, send)

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _ask(self, request: Request) -> Response:
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" + query if query else b"")
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        # RFC 9110, 10.1.1: the server in front has answered an `Expect: 100-continue` already.
        headers = [(k, v) for k, v in request.headers.raw if k not in _HOP_BY_HOP | {b"expect"}]
        passed_on = httpx.Request(
            request.method,
            self._base + target.decode("ascii"),
            headers=[*headers, (b"x-forwarded-host", request.headers["host"].encode())],
            content=request.stream() if has_body else None,
            extensions={"timeout": httpx.Timeout(_TIMEOUT_S).as_dict()},
        )
        try:
            answer = await self._transport.handle_async_request(passed_on)
        except httpx.TimeoutException:
            return PlainTextResponse("The function did not answer in time.", 504)
        except httpx.TransportError as e:
            return PlainTextResponse(f"The function cannot be reached: {e}", 502)
        response = StreamingResponse(_body(answer), answer.status_code)
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.lower() not in _HOP_BY_HOP
        ]
        return response


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for part in answer.aiter_raw():
            yield part
    finally:
        await answer.aclose()
