"""Sessions of resumable uploads in the storage emulator, as Cloud Storage keeps them.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from gcp_storage_emulator.exceptions import NotFound


def fault(upload_id: str, request: Any, storage: Any) -> HTTPStatus | None:
    """Return the status that refuses a PUT to a session; None if nothing is wrong.

    The size is the one that the session was started with, if it was started with one.
    """
    try:
        declared = storage.get_resumable_file_obj(upload_id)["size"]
    except NotFound:
        return HTTPStatus.NOT_FOUND
    body = request.data or b""
    content_range = request.get_header("Content-Range", f"bytes */{len(body)}")
    total = content_range.rpartition("/")[2]
    if declared and total not in ("*", str(declared)):
        return HTTPStatus.BAD_REQUEST
    if found := re.fullmatch(r"bytes ([0-9]+)-([0-9]+)/.*", content_range):
        first, last = int(found[1]), int(found[2])
        if len(body) != last - first + 1 or (total != "*" and last >= int(total)):
            return HTTPStatus.BAD_REQUEST
    return None


def tell_received(upload_id: str, response: Any, storage: Any) -> None:
    """Let an answer say that nothing has been kept by having no Range."""
    if response.status == HTTPStatus.PERMANENT_REDIRECT and not storage.get_resumable_byte_count(
        upload_id
    ):
        response._headers.pop("Range", None)
