"""Signed requests to the storage emulator, held to what was signed as Cloud Storage holds them.

Source: https://cloud.google.com/storage/docs/authentication/signatures
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

_SIGNATURE = "X-Goog-Signature"
_QUERY = {f"X-Goog-{name}" for name in ("Algorithm", "Credential", "Date", "Expires")}


def fault(request: Any) -> HTTPStatus | None:
    """Return the status that refuses a signed request; None if nothing is wrong, or unsigned.

    The signature must be that of `EmulatorKey`: a digest of what is signed.
    """
    pairs = urlsplit(request.full_url).query.split("&")
    query = {name: values[0] for name, values in parse_qs("&".join(pairs)).items()}
    if not any(name.startswith("X-Goog-") for name in query):
        return None
    names = query.get("X-Goog-SignedHeaders", "").split(";")
    if not {_SIGNATURE, *_QUERY} <= query.keys() or any(
        request.get_header(name) is None for name in names
    ):
        return HTTPStatus.FORBIDDEN
    canonical = [
        request.method,
        request.path,
        "&".join(sorted(pair for pair in pairs if not pair.startswith(_SIGNATURE))),
        *(f"{name}:{request.get_header(name)}" for name in names),
        "",
        ";".join(names),
        "UNSIGNED-PAYLOAD",
    ]
    signed = [
        query["X-Goog-Algorithm"],
        query["X-Goog-Date"],
        query["X-Goog-Credential"].partition("/")[2],
        hashlib.sha256("\n".join(canonical).encode()).hexdigest(),
    ]
    if hashlib.sha256("\n".join(signed).encode()).hexdigest() != query[_SIGNATURE]:
        return HTTPStatus.FORBIDDEN
    made_at = datetime.strptime(query["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if datetime.now(UTC) >= made_at + timedelta(seconds=int(query["X-Goog-Expires"])):
        return HTTPStatus.BAD_REQUEST
    least, _, most = request.get_header("x-goog-content-length-range", "0,").partition(",")
    if most and not int(least) <= len(request.data or b"") <= int(most):
        return HTTPStatus.BAD_REQUEST
    return None
