"""The PUTs of a resumable upload, answered as Cloud Storage answers them.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import asyncio
import re

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.upload_permits import Permit

_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)/([0-9]{1,15})")


async def go_on(request: Request, permit: Permit, blobs: DirectoryBlobs) -> Response:
    """Keep what the request brings, and say what has arrived; store the blob once all has.

    What came before a connection broke is kept. Bytes that are there already may come again.

    Raises: AlreadyExists if the name has been taken; StoreUnavailable; ClientDisconnect.
    """
    session, size = permit.session, permit.max_bytes
    content_range = request.headers.get("content-range", f"bytes 0-{size - 1}/{size}")
    found = _CONTENT_RANGE.fullmatch(content_range)
    if found is None or int(found[3]) != size:
        return PlainTextResponse(f"The upload was started with a size of {size} bytes.", 400)
    if await asyncio.to_thread(blobs.parts.is_finished, session):
        return Response()
    received = await asyncio.to_thread(blobs.parts.received, session)
    if found[1] is not None:
        first, end = int(found[1]), int(found[2]) + 1
        if not first <= received or not first < end <= size:
            return PlainTextResponse(f"The next byte is {received} of {size}.", 400)
        if not await _keep(request, blobs, session, first, end):
            return PlainTextResponse("The body is not as long as its Content-Range.", 400)
        received = await asyncio.to_thread(blobs.parts.received, session)
    if received < size:
        kept = {"Range": f"bytes=0-{received - 1}"} if received else {}
        return Response(status_code=308, headers=kept)
    await asyncio.to_thread(blobs.store_parts, permit)
    return Response()


async def _keep(
    request: Request, blobs: DirectoryBlobs, session: str, first: int, end: int
) -> bool:
    """Write the body as it comes and say whether it filled the range. What is over is dropped."""
    at = first
    is_over = False
    async for chunk in request.stream():
        is_over = is_over or at + len(chunk) > end
        if fitting := chunk[: end - at]:
            await asyncio.to_thread(blobs.parts.write, session, at, fitting)
            at += len(fitting)
    return at == end and not is_over
