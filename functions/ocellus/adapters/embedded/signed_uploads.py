"""The bucket's door on a laptop: takes the PUTs that `DirectoryBlobs` has allowed."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.resumable_uploads import go_on
from ocellus.adapters.embedded.upload_permits import UPLOADS_PATH, Permit
from ocellus.errors import AlreadyExists, StoreUnavailable


class SignedUploads:
    """Middleware that stores signed uploads among `blobs`; every other request goes on to `app`.

    It answers with the statuses of Cloud Storage, which is what the page meets in deployment.
    """

    def __init__(self, app: ASGIApp, blobs: DirectoryBlobs) -> None:
        self._app = app
        self._blobs = blobs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(UPLOADS_PATH):
            try:
                response = await self._answer(Request(scope, receive))
            except AlreadyExists as e:
                response = PlainTextResponse(str(e), 412)
            except StoreUnavailable as e:
                response = PlainTextResponse(str(e), 503)
            except ClientDisconnect:
                return
            await response(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method != "PUT":
            return PlainTextResponse("Uploads are PUT.", 405, {"Allow": "PUT"})
        token = request.url.path.removeprefix(UPLOADS_PATH)
        permit = await asyncio.to_thread(self._blobs.read_permit, token)
        if permit is None or not (
            permit.session or request.headers.get("content-type") == permit.content_type
        ):
            return PlainTextResponse("This request is not the one that was signed.", 403)
        if time.time() >= permit.expires_at:
            return PlainTextResponse("The leave to upload has expired: ask again.", 400)
        if permit.session:
            return await go_on(request, permit, self._blobs)
        data = await _body(request, permit)
        if data is None:
            return PlainTextResponse(f"The limit is {permit.max_bytes} bytes.", 400)
        await asyncio.to_thread(self._blobs.put, permit.name, data)
        return Response()


async def _body(request: Request, permit: Permit) -> bytes | None:
    """Return the body, None if it is too large. It is read to its end all the same, so that the
    client hears the answer instead of a closed connection.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk[: permit.max_bytes + 1 - len(body)]
    return bytes(body) if len(body) <= permit.max_bytes else None
