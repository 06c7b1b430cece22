"""The api function's routes for labelled images: handed in, or signed for the inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from ocellus import signing, uploads
from ocellus.archives import Entry, is_zip, read_zip
from ocellus.audit import AuditEvent
from ocellus.bootstrap import app
from ocellus.errors import BadInput
from ocellus.http.answers import json_response, problem
from ocellus.http.bodies import read_form, read_json
from ocellus.http.routing import Routes, authorise

_large_uploads = asyncio.Semaphore(2)


async def _upload(request: Request) -> Response:
    authorise(request)
    async with _large_uploads:
        form = await read_form(request)
        receipt = await asyncio.to_thread(_file_upload, form.files, form.fields)
    rejected = [{"name": name, "reason": reason} for name, reason in receipt.rejected]
    if not receipt.outcomes:
        first = rejected[0]["reason"]
        detail = f"None of the {len(rejected)} images can be used; the first: {first}"
        remedy = "Mend or leave out what `rejected` names."
        return problem(BadInput(detail, remedy), rejected=rejected)
    return json_response(await asyncio.to_thread(_acknowledge, receipt, rejected))


def _file_upload(files: list[tuple[str, bytes]], fields: Mapping[str, str]) -> uploads.Receipt:
    if not files:
        raise BadInput(
            "The form holds no files.", "Send images with a field `label`, or a zip, as `file`."
        )
    receipt = uploads.Receipt()
    for name, data in files:
        if is_zip(data):
            entries = read_zip(data)
        elif "label" in fields:
            entries = iter([Entry(fields["label"], name, data)])
        else:
            raise BadInput(
                f"{name[:80]!r} came without a label.",
                "Send the field `label` with the images, or a zip with one folder per label.",
            )
        uploads.file_entries(
            app().blobs, app().state, entries, receipt, source="upload", now=time.time()
        )
    return receipt


def _acknowledge(receipt: uploads.Receipt, rejected: list[dict[str, str]]) -> Any:
    event = {"new": receipt.labels.total(), "labels": dict(receipt.labels)}
    app().state.record(AuditEvent(time.time(), "admin", "uploaded", event))
    run = app().retraining.consider()
    return {
        "outcomes": {str(outcome): n for outcome, n in receipt.outcomes.items()},
        "labels": receipt.labels,
        "rejected": rejected,
        "new_samples": app().state.new_samples(),
        "threshold": app().settings.retrain_threshold,
        "run": run.id if run else None,
    }


async def _sign(request: Request) -> Response:
    authorise(request)
    files = (await read_json(request)).get("files")
    if not isinstance(files, list):
        raise BadInput(
            "`files` is no list.",
            "Send a list of objects with label, sha256, size_bytes, content_type.",
        )
    # Cloud Storage lets a session be filled only by pages of the origin that it was started for.
    origin = request.headers.get("origin")
    answers = await asyncio.to_thread(signing.sign, app().inbox, app().state, files, origin=origin)
    return json_response({"files": [signing.as_json(answer) for answer in answers]})


ROUTES: Routes = {
    ("POST", "/api/upload/training-data"): _upload,
    ("POST", "/api/upload/sign"): _sign,
}
