"""A visitor of Ocellus, for Locust: predicts, predicts batches, looks at the service.

Of 100 requests 50 predict one image (30 as a raw body, 20 as multipart), 20 a batch of five, and
30 look: health 8, statistics 6, model info 5, uptime 3, versions, runs, the newest run, samples 2.
Between two requests a visitor thinks for one to three seconds, evenly distributed.
An answer counts as a failure unless its status is 200 and it holds what was asked for.

    locust -f loadtest/locustfile.py --headless -u 50 -r 5 -t 60s --host http://127.0.0.1:8080

`loadtest/flood.py` runs the four scenarios and sums them up.
"""

from __future__ import annotations

import io
import random
import sys
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, task
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from drawings import blobs, stripes

BATCH = 5
THINK_S = (1.0, 3.0)
LOOKS = {
    "/api/health": 8,
    "/api/statistics": 6,
    "/api/model/info": 5,
    "/api/model/uptime": 3,
    "/api/models": 2,
    "/api/runs": 2,
    "/api/retrain/status": 2,
    "/api/samples": 2,
}


def _jpeg(png: bytes, side: int) -> bytes:
    file = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").resize((side, side)).save(file, "JPEG", quality=85)
    return file.getvalue()


IMAGES = [_jpeg(draw(seed), side) for draw in (stripes, blobs) for seed in range(8)
          for side in (32, 64, 128)]  # fmt: skip
"""48 drawn JPEGs of 0.7 to 7 kB."""


class Visitor(FastHttpUser):
    """Fifty predictions, twenty batches and thirty looks in a hundred requests."""

    wait_time = between(*THINK_S)
    network_timeout = 30.0
    connection_timeout = 30.0

    @task(30)
    def predict_raw(self) -> None:
        headers = {"Content-Type": "image/jpeg"}
        self._ask(
            "POST", "/api/predict", "raw", "label", data=random.choice(IMAGES), headers=headers
        )

    @task(20)
    def predict_multipart(self) -> None:
        body, kind = _form(random.sample(IMAGES, 1))
        self._ask("POST", "/api/predict", "multipart", "label", data=body, headers=kind)

    @task(20)
    def predict_batch(self) -> None:
        body, kind = _form(random.sample(IMAGES, BATCH))
        self._ask("POST", "/api/predict/batch", str(BATCH), "results", data=body, headers=kind)

    @task(30)
    def look(self) -> None:
        path = random.choices(list(LOOKS), list(LOOKS.values()))[0]
        self._ask("GET", path, "", None)

    def _ask(self, method: str, path: str, form: str, holds: str | None, **request: Any) -> None:
        name = f"{path} ({form})" if form else path
        with self.client.request(method, path, name=name, catch_response=True, **request) as answer:
            if answer.status_code != 200:
                answer.failure(f"status {answer.status_code}: {(answer.text or '')[:200]}")
            elif holds and holds not in answer.json():
                answer.failure(f"no {holds} in {(answer.text or '')[:200]}")


def _form(images: list[bytes]) -> tuple[bytes, dict[str, str]]:
    """Return a multipart body with its Content-Type."""
    boundary = f"{random.getrandbits(64):016x}"
    parts = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{i}.jpg"\r\n'
        f"Content-Type: image/jpeg\r\n\r\n".encode()
        + image
        + b"\r\n"
        for i, image in enumerate(images)
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return parts + f"--{boundary}--\r\n".encode(), headers
