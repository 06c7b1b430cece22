"""Answers: content as JSON, errors as problem+json. The one place that maps errors to statuses."""

from __future__ import annotations

from typing import Any

import orjson
from starlette.responses import Response

from ocellus.errors import (
    AlreadyExists,
    BadInput,
    Conflict,
    InvalidManifest,
    NotFound,
    OcellusError,
    StoreUnavailable,
    TooLarge,
    Unauthorized,
)

_STATUS: tuple[tuple[type[OcellusError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (BadInput, 400, "Bad input"),
    (Unauthorized, 401, "Not authorised"),
    (NotFound, 404, "Not found"),
    (AlreadyExists, 409, "Already exists"),
    (Conflict, 409, "Conflict"),
    (InvalidManifest, 409, "Unusable version"),
    (StoreUnavailable, 503, "Temporarily unavailable"),
)


_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    return Response(
        orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY),
        status,
        _HEADERS | (headers or {}),
        "application/json",
    )


def problem(error: OcellusError, **more: Any) -> Response:
    """Return the error as RFC 9457 problem+json, `remedy` and `more` as extension members."""
    status, title = next(
        ((s, t) for kind, s, t in _STATUS if isinstance(error, kind)), (500, "Internal error")
    )
    headers = dict(_HEADERS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "5"
    return Response(
        orjson.dumps(problem_body(error, status, title) | more),
        status,
        headers,
        "application/problem+json",
    )


def problem_body(
    error: OcellusError, status: int = 400, title: str = "Bad input"
) -> dict[str, Any]:
    return {
        "type": f"urn:ocellus:{type(error).__name__}",
        "title": title,
        "status": status,
        "detail": error.detail,
        "remedy": error.remedy,
    }
