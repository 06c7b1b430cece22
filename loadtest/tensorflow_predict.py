"""The same model in a function that loads TensorFlow for it, for cold_start.py."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import functions_framework.aio
import numpy as np
import tensorflow as tf
from PIL import Image
from starlette.requests import Request

_FOLDER = Path(__file__).parents[1] / "models" / "v1"
_LABELS = json.loads((_FOLDER / "manifest.json").read_bytes())["labels"]
_RUNNER = tf.lite.Interpreter(str(_FOLDER / "model.tflite")).get_signature_runner("serving_default")
_INPUT = next(iter(_RUNNER.get_input_details()))


@functions_framework.aio.http
async def predict(request: Request) -> dict[str, Any]:
    image = Image.open(io.BytesIO(await request.body())).convert("RGB").resize((32, 32))
    logits = _RUNNER(**{_INPUT: np.asarray(image)[np.newaxis]})["logits"][0]
    return {"label": _LABELS[int(logits.argmax())]}
