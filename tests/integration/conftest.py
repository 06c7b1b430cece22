"""What the tests of adapters under faults share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from disturbances import Disturb, Fault


@pytest.fixture
def disturb(monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """Let the emulator answer, then put the faults, one after the other, in place of its answers
    to requests of the method, as long as there are any.
    """

    def start(method: str, faults: Iterator[Fault]) -> None:
        send = requests.adapters.HTTPAdapter.send

        def disturbed(adapter: Any, request: Any, **options: Any) -> requests.Response:
            response = send(adapter, request, **options)
            if request.method == method and (fault := next(faults, None)):
                response.close()
                fault(response)
            return response

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", disturbed)

    return start
