"""What the other frameworks serve: the same model, decoded by Pillow, as their tutorials would."""

from __future__ import annotations

import io
import os
import queue
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from ocellus.manifest import Manifest

_FOLDER = Path(os.environ["OCELLUS_SEED_DIR"])
_MANIFEST = Manifest.from_json((_FOLDER / "manifest.json").read_bytes())
_SESSIONS: queue.SimpleQueue[Any] = queue.SimpleQueue()
for _ in range(2):
    _interpreter = Interpreter(model_path=str(_FOLDER / "model.tflite"), num_threads=1)
    _interpreter.allocate_tensors()
    _SESSIONS.put(_interpreter.get_signature_runner("serving_default"))
    _INPUT = next(iter(_interpreter.get_signature_runner("serving_default").get_input_details()))


def predict(data: bytes) -> dict[str, Any]:
    image = Image.open(io.BytesIO(data)).convert("RGB").resize((32, 32))
    runner = _SESSIONS.get()
    try:
        logits = runner(**{_INPUT: np.asarray(image)[np.newaxis]})["logits"][0]
    finally:
        _SESSIONS.put(runner)
    scaled = np.exp((logits - logits.max()) / _MANIFEST.calibration.temperature)
    probabilities = (scaled / scaled.sum()).tolist()
    ranked = sorted(zip(_MANIFEST.labels, probabilities, strict=True), key=lambda x: -x[1])
    return {
        "version": _MANIFEST.version,
        "label": ranked[0][0],
        "probability": ranked[0][1],
        "probabilities": [{"label": label, "probability": p} for label, p in ranked],
    }
