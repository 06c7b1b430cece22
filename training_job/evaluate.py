"""Evaluation: what an artifact answers, as it will be served, how fast, and how sure."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from ocellus.runtime import Session

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Classes = npt.NDArray[np.int64]


def run_artifact(artifact: bytes, images: Images) -> tuple[Floats, Floats]:
    """Answer every image one by one, as serving does: logits [n, classes], features [n, f]."""

    def run(part: Images) -> tuple[Floats, Floats]:
        session = Session(artifact)
        answers = [session.run(image) for image in part]
        return np.stack([a for a, _ in answers]), np.stack([b for _, b in answers])

    workers = min(os.cpu_count() or 1, len(images))
    with ThreadPoolExecutor(workers) as pool:
        parts = list(pool.map(run, np.array_split(images, workers)))
    return np.concatenate([a for a, _ in parts]), np.concatenate([b for _, b in parts])


def latencies_ms(artifacts: list[bytes], image: Images, runs: int = 200) -> list[float]:
    """Return each artifact's median time of one inference on one thread, decode left out.

    They take turns, so that the machine's other work slows all alike.
    """
    sessions = [Session(artifact) for artifact in artifacts]
    times = np.empty((runs + 10, len(sessions)))
    for row in times:
        for i, session in enumerate(sessions):
            started = time.perf_counter()
            session.run(image)
            row[i] = time.perf_counter() - started
    return [round(float(t), 4) for t in np.median(times[10:], axis=0) * 1e3]


def calibration_error(confidence: npt.NDArray[np.floating], right: npt.NDArray[np.bool_]) -> float:
    """Return the expected calibration error over 15 equal bins, 0 of no answers.

    Source: Guo et al. 2017, equation 3.
    """
    bins = np.minimum((confidence * 15).astype(int), 14)
    return float(
        sum(
            abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean()
            for b in np.unique(bins)
        )
    )
