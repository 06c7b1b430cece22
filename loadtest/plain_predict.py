"""The same model in a plain function of the functions framework, for throughput.py."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import flask
import functions_framework

sys.path.insert(0, str(Path(__file__).parent))

import same_model


@functions_framework.http
def predict(request: flask.Request) -> dict[str, Any]:
    return same_model.predict(request.get_data())
