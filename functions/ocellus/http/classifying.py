"""What all ways to predict share: the version to answer with, its answer, the answer as JSON."""

from __future__ import annotations

import asyncio
from typing import Any

from ocellus.bootstrap import app
from ocellus.errors import BadInput
from ocellus.http import beside
from ocellus.jpeg import is_baseline
from ocellus.prediction import Classifier, Prediction

INLINE_BYTES = 64 * 1024
"""Work on no more bytes than this takes little longer than to hand it to a thread."""

_in_threads = asyncio.Semaphore(2)


async def classifier_in_service() -> tuple[Classifier, bool]:
    """Return the classifier to answer with, and whether this request waited for its loading."""
    serving = app().serving
    ready = serving.ready()
    if ready is None:
        return await asyncio.to_thread(serving.classifier), True
    if serving.refresh_due():
        beside.start(serving.refresh)
    return ready, False


async def classify(classifier: Classifier, data: bytes) -> Prediction:
    """Predict one image. Raises: InvalidImage, TooLarge; they are counted."""
    try:
        # Other images may unpack to a thousand times their size, which all requests would wait for.
        if len(data) <= INLINE_BYTES and is_baseline(data):
            return classifier.classify(data)
        async with _in_threads:  # bounds the memory that decoding takes
            return await asyncio.to_thread(classifier.classify, data)
    except BadInput:
        app().tallies.refused()
        raise


def as_json(p: Prediction) -> dict[str, Any]:
    return {
        "label": p.label,
        "probability": p.probability,
        "unsure": p.unsure,
        "none_of_these": p.none_of_these,
        "probabilities": [{"label": x, "probability": y} for x, y in p.probabilities],
    }
