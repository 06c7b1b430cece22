"""Answers: content as JSON, errors as problem+json. The one place that maps errors to statuses."""

from __future__ import annotations

from collections.abc import Mapping
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
    Overloaded,
    StoreUnavailable,
    TooLarge,
    TooSlow,
    Unauthorized,
)

_STATUS: tuple[tuple[type[OcellusError], int, str], ...] = (
    (TooLarge, 413, "Too large"),
    (BadInput, 400, "Bad input"),
    (Unauthorized, 401, "Not authorised"),
    (TooSlow, 408, "Too slow"),
    (Overloaded, 429, "Too many requests"),
    (NotFound, 404, "Not found"),
    (AlreadyExists, 409, "Already exists"),
    (Conflict, 409, "Conflict"),
    (InvalidManifest, 409, "Unusable version"),
    (StoreUnavailable, 503, "Temporarily unavailable"),
)


HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_ENCODED = Response(b"", 204, HEADERS, "application/json").raw_headers  # 204 has no length


def json_response(
    content: Any, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    data = orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)
    if headers is None:
        return _Json(data, status)
    return Response(data, status, HEADERS | headers, "application/json")


class _Json(Response):
    """JSON with the headers that nearly every answer has, encoded once."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        self.raw_headers = [*_ENCODED, (b"content-length", b"%d" % len(self.body))]


def problem(error: OcellusError, **more: Any) -> Response:
    """Return the error as RFC 9457 problem+json, `remedy` and `more` as extension members."""
    status, _ = _status(error)
    return Response(
        orjson.dumps(problem_body(error) | more),
        status,
        _headers(error, status),
        "application/problem+json",
    )


def protocol_error(error: OcellusError) -> Response:
    """Return the error as the Open Inference Protocol and TF Serving have it: `{"error": …}`."""
    status, _ = _status(error)
    return json_response({"error": str(error)}, status, _headers(error, status))


def _status(error: OcellusError) -> tuple[int, str]:
    return next(
        ((s, t) for kind, s, t in _STATUS if isinstance(error, kind)), (500, "Internal error")
    )


def _headers(error: OcellusError, status: int) -> dict[str, str]:
    headers = dict(HEADERS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 408:
        headers["Connection"] = "close"  # the rest of the body is not waited for
    if isinstance(error, Overloaded):
        headers["Retry-After"] = str(error.retry_after_s)
    if status == 503:
        headers["Retry-After"] = "5"
    return headers


def problem_body(error: OcellusError) -> dict[str, Any]:
    status, title = _status(error)
    return {
        "type": f"urn:ocellus:{type(error).__name__}",
        "title": title,
        "status": status,
        "detail": error.detail,
        "remedy": error.remedy,
    }
