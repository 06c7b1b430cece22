"""The same model behind FastAPI, for throughput.py."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from same_model import predict


async def answer(request: Request) -> dict[str, Any]:
    return predict(await request.body())


app = FastAPI()
app.add_api_route("/api/predict", answer, methods=["POST"])
