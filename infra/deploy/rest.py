"""Google's APIs, where gcloud has no command."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

Fetch = Callable[..., Any]
"""`fetch(url, token, body=…, payer=…)`, as below."""


def fetch(url: str, token: str, *, body: Any = None, payer: str | None = None) -> Any:
    """Get, or post `body` as JSON, and return the JSON of the answer, None if there is none. A
    person's token has no project of its own to count some APIs' calls to: `payer` names it.
    """
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if payer:
        headers["X-Goog-User-Project"] = payer
    data = None if body is None else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=20) as got:
            return json.load(got)
    except (OSError, ValueError):  # refused, unreachable, or no JSON
        return None
