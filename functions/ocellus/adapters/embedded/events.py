"""Eventarc and Cloud Scheduler on a laptop: calls into functions that nobody outside can reach."""

from __future__ import annotations

import asyncio
import json
import logging
import mimetypes
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
from starlette.types import ASGIApp

from ocellus.adapters.embedded.directory_blobs import generation_of
from ocellus.dropped import FINALIZED
from ocellus.settings import Settings

_BUCKET = Settings().inbox_bucket
_SOURCE = f"//storage.googleapis.com/projects/_/buckets/{_BUCKET}"
_TIMEOUT_S = 540.0  # Source: https://cloud.google.com/functions/quotas (event functions, 9 min)

log = logging.getLogger("ocellus.platform")


class Trigger:
    """Calls one function, in process."""

    def __init__(self, name: str, function: ASGIApp) -> None:
        self._name = name
        # The bare transport: httpx.AsyncClient would log a line for every call.
        self._transport = httpx.ASGITransport(function)

    async def call(self, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bool:
        """POST / and say whether the function accepted (2xx). A failure is logged, not raised."""
        request = httpx.Request("POST", f"http://{self._name}/", headers=headers, content=body)
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                response = await self._transport.handle_async_request(request)
                text = (await response.aread()).decode(errors="replace")
        except Exception:
            log.exception("%s failed", self._name)
            return False
        if not response.is_success:
            log.warning("%s answered %d: %.200s", self._name, response.status_code, text)
        return response.is_success


async def tick(on_tick: Trigger, every_s: float) -> None:
    """Call `on_tick` now and `every_s` after each answer, whatever the answer, until cancelled."""
    while True:
        await on_tick.call()
        await asyncio.sleep(every_s)


def finalized(name: str, status: os.stat_result) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of the CloudEvent that says that the object `name` is there.

    The same file, unchanged, gives the same id and generation however often it is announced.
    Source: https://cloud.google.com/eventarc/docs/cloudevents-storage
    """
    generation = str(generation_of(status))
    created = datetime.fromtimestamp(status.st_mtime, UTC).isoformat()
    # Percent-encoded, as the HTTP binding of CloudEvents asks of a header.
    subject = quote(f"objects/{name}", errors="surrogateescape")
    resource = {
        "kind": "storage#object",
        "bucket": _BUCKET,
        "name": name,
        "generation": generation,
        "size": str(status.st_size),
        "contentType": mimetypes.guess_type(name)[0] or "application/octet-stream",
        "timeCreated": created,
    }
    headers = {
        "ce-id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{_SOURCE}/{subject}#{generation}")),
        "ce-specversion": "1.0",
        "ce-type": FINALIZED,
        "ce-source": _SOURCE,
        "ce-subject": subject,
        "ce-time": created,
        "content-type": "application/json",
    }
    return headers, json.dumps(resource).encode()
