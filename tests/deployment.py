"""A running Ocellus, wherever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import httpx


class Deployment(Protocol):
    """Where the page is, the token that changes need, and JSON to and fro."""

    @property
    def url(self) -> str: ...

    @property
    def token(self) -> str: ...

    def get(self, path: str) -> Any: ...

    def post(self, path: str, **body: Any) -> Any: ...


@dataclass(frozen=True)
class Elsewhere:
    """A server that somebody else started."""

    url: str
    token: str

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, timeout=30).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = httpx.post(self.url + path, headers=headers, timeout=60, **body)
        return answer.raise_for_status().json()
