"""Request bodies, read within limits of size and time."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import AsyncGenerator, Generator
from types import coroutine
from typing import Any

import orjson
from starlette.requests import Request
from starlette.types import Message

from ocellus.bootstrap import app
from ocellus.errors import BadInput, TooLarge, TooSlow
from ocellus.http.forms import Form, parse_form

MAX_BODY_BYTES = 32 * 1024 * 1024
"""Cloud Run takes no more."""
_DRAIN_BYTES = 64 * 1024 * 1024


async def read_body(request: Request, limit: int = MAX_BODY_BYTES) -> bytes:
    """Return the whole body. Raises: TooLarge, TooSlow, BadInput."""
    message: Message | None = None
    receiving = request.receive().__await__()
    try:
        waits_for = next(receiving)
    except StopIteration as received:  # most bodies are there already, and need no clock
        message = received.value
        body: bytes = message.get("body", b"")
        whole = message["type"] == "http.request" and not message.get("more_body")
        if whole and len(body) <= limit:
            return body
    seconds = app().settings.upload_s
    try:
        async with asyncio.timeout(seconds):
            if message is None:
                message = await _resumed(receiving, waits_for)
            return b"".join([chunk async for chunk in _limited(request, limit, message)])
    except TimeoutError as e:
        raise TooSlow(
            f"The body was not whole after {seconds:g} s.",
            "Send less at a time, or over a faster line.",
        ) from e


@coroutine
def _resumed(
    waiting: Generator[Any, None, Message], waits_for: Any
) -> Generator[Any, None, Message]:
    """Await what has been advanced to its first wait."""
    try:
        yield waits_for
    except BaseException:
        waiting.close()
        raise
    return (yield from waiting)


async def read_form(request: Request, max_files: int = 10_000) -> Form:
    """Read a multipart body. Raises: TooLarge, BadInput."""
    body = await read_body(request)
    return parse_form(request.headers.get("content-type", ""), body, max_files)


async def _limited(request: Request, limit: int, message: Message) -> AsyncGenerator[bytes, None]:
    """Yield the body's chunks up to `limit` bytes, that of the first `message` first.

    What is over is read and dropped, within reason, so that the client hears the answer instead of
    a closed connection.
    """
    size = 0
    declared = request.headers.get("content-length", "0")
    too_large = declared.isdigit() and int(declared) > limit
    while message["type"] == "http.request":
        chunk = message.get("body", b"")
        size += len(chunk)
        too_large = too_large or size > limit
        if not too_large:
            yield chunk
        if size > _DRAIN_BYTES or not message.get("more_body"):
            break
        message = await request.receive()
    else:
        raise BadInput("The client went away before the body was whole.", "Send it again.")
    if too_large:
        raise TooLarge(
            f"The body has {max(size, int(declared) if declared.isdigit() else 0)} bytes; "
            f"the limit is {limit}.",
            "Send it in parts.",
        )


async def read_json(request: Request, limit: int = 64 * 1024) -> dict[str, Any]:
    """Read a JSON object; an empty body is an empty object. Raises: TooLarge, BadInput."""
    body = await read_body(request, limit)
    try:
        fields = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as e:
        raise BadInput(f"The body is not JSON: {e}.", "Send a JSON object.") from e
    if not isinstance(fields, dict):
        raise BadInput("The body is not a JSON object.", "Send a JSON object.")
    return fields


async def read_instances(request: Request) -> list[bytes]:
    """Read `{"instances": [{"b64": ...}]}`, as Vertex AI and TF Serving take it.

    Raises: TooLarge, BadInput.
    """
    remedy = 'Send {"instances": [{"b64": "<base64 of the image>"}]}.'
    fields = await read_json(request, MAX_BODY_BYTES)
    try:
        images = [base64.b64decode(i["b64"], validate=True) for i in fields["instances"]]
    except (KeyError, TypeError, binascii.Error, ValueError) as e:
        raise BadInput(f"The JSON body is not as expected: {e!r}.", remedy) from e
    if not images:
        raise BadInput("`instances` is empty.", remedy)
    return images
