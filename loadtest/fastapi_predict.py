"""The same model behind FastAPI, for throughput.py: an image as raw body, or in a form."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request, UploadFile
from same_model import predict


async def answer(request: Request) -> dict[str, Any]:
    return predict(await request.body())


async def answer_form(file: UploadFile) -> dict[str, Any]:
    return predict(await file.read())


app = FastAPI()
app.add_api_route("/api/predict", answer, methods=["POST"])
app.add_api_route("/api/predict/form", answer_form, methods=["POST"])
