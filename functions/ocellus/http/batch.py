"""POST /api/predict/batch: many images in one request, answered one by one as they are done."""

from __future__ import annotations

import asyncio
import csv
import io
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from ocellus.archives import MAX_ENTRIES, is_zip, list_zip
from ocellus.bootstrap import app
from ocellus.errors import BadInput, OcellusError, TooLarge
from ocellus.http.answers import HEADERS, json_response, problem_body
from ocellus.http.bodies import read_body, read_form
from ocellus.http.classifying import INLINE_BYTES, as_json, classifier_in_service, classify
from ocellus.http.counting import counted
from ocellus.http.overload import limited
from ocellus.http.routing import Routes
from ocellus.http.streaming import Stream
from ocellus.prediction import Classifier, Prediction

log = logging.getLogger("ocellus.http")

_CSV_FIELDS = ("number", "name", "label", "probability", "unsure", "none_of_these", "error")


@dataclass(frozen=True)
class Item:
    """One image of a batch. Its bytes are read only when its turn comes."""

    name: str
    size_bytes: int
    read: Callable[[], bytes]
    """Raises: BadInput."""


@dataclass
class Batch:
    """A batch being predicted, with one version from the first image to the last."""

    items: list[Item]
    classifier: Classifier
    cold: bool
    started: float
    request_id: str = field(default_factory=lambda: secrets.token_hex(8))
    labels: Counter[str] = field(default_factory=Counter)

    async def results(self) -> AsyncIterator[tuple[Item, Prediction | OcellusError]]:
        """Yield each item with its answer; what is wrong with one concerns no other."""
        for item in self.items:
            yield item, await self._result(item)
            await asyncio.sleep(0)  # other requests get their turn between two images

    async def _result(self, item: Item) -> Prediction | OcellusError:
        began = time.perf_counter()
        try:
            answer = await classify(self.classifier, await _unpacked(item))
        except BadInput as e:
            return e
        except Exception:
            log.exception("predicting %r failed", item.name[:80])
            return OcellusError("The server failed on this image.", "Try it again.")
        app().tallies.predicted(answer, (time.perf_counter() - began) * 1e3)
        self.labels[answer.label] += 1
        return answer

    @property
    def about(self) -> dict[str, Any]:
        return {"request_id": self.request_id, "version": self.classifier.manifest.version}

    @property
    def timing(self) -> dict[str, Any]:
        total_ms = (time.perf_counter() - self.started) * 1e3
        return {"total_ms": round(total_ms, 3), "cold": self.cold}


async def _predict_batch(request: Request) -> Response:
    started = time.perf_counter()
    items = await _read_items(request)
    batch = Batch(items, *await classifier_in_service(), started)
    accepted = request.headers.get("accept", "")
    if "application/x-ndjson" in accepted:
        return Stream(_ndjson(batch), "application/x-ndjson", HEADERS)
    if "text/csv" in accepted:
        name = {"Content-Disposition": 'attachment; filename="predictions.csv"'}
        return Stream(_csv(batch), "text/csv", HEADERS | name)
    results = [_shown(item, answer) async for item, answer in batch.results()]
    return json_response(batch.about | {"results": results, "timing": batch.timing})


async def _read_items(request: Request) -> list[Item]:
    """Read the files of a form, and of a zip in it or as the body. Raises: BadInput, TooSlow."""
    if request.headers.get("content-type", "").startswith("application/zip"):
        files = [("body.zip", await read_body(request))]
    else:
        files = (await read_form(request)).files
    if not files:
        raise BadInput(
            "The form holds no files.", "Send images as parts named `file`, or a zip of them."
        )
    items: list[Item] = []
    for name, data in files:
        if not is_zip(data):
            items.append(Item(name, len(data), partial(bytes, data)))
            continue
        try:
            items += [Item(p.name, p.size_bytes, p.read) for p in list_zip(data)]
        except BadInput as e:
            if len(files) == 1:
                raise
            items.append(Item(name, 0, partial(_refuse, e)))
    if len(items) > MAX_ENTRIES:
        raise TooLarge(
            f"The batch holds {len(items)} images; the limit is {MAX_ENTRIES}.", "Send it in parts."
        )
    return items


def _refuse(error: BadInput) -> bytes:
    raise error


async def _unpacked(item: Item) -> bytes:
    try:
        large = item.size_bytes > INLINE_BYTES
        return await asyncio.to_thread(item.read) if large else item.read()
    except BadInput:
        app().tallies.refused()
        raise


def _shown(item: Item, answer: Prediction | OcellusError) -> dict[str, Any]:
    if isinstance(answer, OcellusError):
        return {"name": item.name, "error": problem_body(answer)}
    return {"name": item.name, **as_json(answer)}


async def _ndjson(batch: Batch) -> AsyncIterator[bytes]:
    """A line an image, with its number and the total; the last line is the summary."""
    number, total = 0, len(batch.items)
    async for item, answer in batch.results():
        number += 1
        yield _line({"number": number, "total": total, **_shown(item, answer)})
    predicted = batch.labels.total()
    counts = {"total": total, "predicted": predicted, "refused": total - predicted}
    summary = batch.about | counts | {"labels": batch.labels, "timing": batch.timing}
    yield _line({"summary": summary})


def _line(content: dict[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)


async def _csv(batch: Batch) -> AsyncIterator[bytes]:
    """A row an image; after the answer a column a label with its probability."""
    labels = batch.classifier.manifest.labels
    yield _row([*_CSV_FIELDS, *labels])
    number = 0
    async for item, answer in batch.results():
        number += 1
        if isinstance(answer, OcellusError):
            yield _row([number, item.name, "", "", "", "", str(answer), *[""] * len(labels)])
        else:
            shares = dict(answer.probabilities)
            told = [answer.label, answer.probability, answer.unsure, answer.none_of_these, ""]
            yield _row([number, item.name, *told, *(shares[label] for label in labels)])


def _row(values: list[Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line).writerow(values)
    return line.getvalue().encode(errors="replace")


ROUTES: Routes = {("POST", "/api/predict/batch"): limited(counted(_predict_batch))}
