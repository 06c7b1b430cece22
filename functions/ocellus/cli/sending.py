"""Uploading a folder or zip of `label/image` in batches that fit a request."""

from __future__ import annotations

import io
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ocellus.cli.client import Server, ServerError
from ocellus.cli.progress import ProgressLine, duration
from ocellus.errors import InvalidArchive, InvalidLabel
from ocellus.images import MAX_IMAGE_BYTES
from ocellus.labels import parse_label

BATCH_BYTES = 8 * 1024 * 1024
BATCH_FILES = 500

Read = Callable[[str], bytes]


@dataclass
class Summary:
    """What became of an upload: counts by outcome, new samples by label, faults by file."""

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    rejected: list[dict[str, str]] = field(default_factory=list)
    new_samples: int | None = None
    threshold: int | None = None
    run: str | None = None

    def add(self, answer: Mapping[str, Any]) -> None:
        self.outcomes.update(answer["outcomes"])
        self.labels.update(answer["labels"])
        self.new_samples, self.threshold = answer["new_samples"], answer["threshold"]
        self.run = answer["run"] or self.run


def upload(server: Server, source: Path) -> Summary:
    """Send every image of `source`; what cannot be used is listed and the rest go on.

    Sending the same files again changes nothing, so an upload that broke off is simply repeated.

    Raises: InvalidArchive, ServerError, Unauthorized.
    """
    line, started = ProgressLine(), time.monotonic()
    with _opened(source) as (sizes, read):
        if not sizes:
            raise InvalidArchive(f"{source} holds no files.", _LAYOUT)
        summary = Summary(files=len(sizes))
        wanted = {name: size for name, size in sizes.items() if _usable(name, size, summary)}
        done = len(sizes) - len(wanted)
        for batch in _batches(wanted):
            _send(server, batch, read, summary)
            done += len(batch)
            rate = done / max(time.monotonic() - started, 1e-3)
            left = duration((len(sizes) - done) / rate)
            line.show(f"{done:,} of {len(sizes):,} files, {rate:,.0f} files/s, {left} left")
        line.end()
    return summary


_LAYOUT = "Lay it out as one folder per label with images in each."


@contextmanager
def _opened(source: Path) -> Iterator[tuple[dict[str, int], Read]]:
    """Give the source's visible files with their sizes, and how to read one."""
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.is_file())
        sizes = {p.relative_to(source).as_posix(): p.stat().st_size for p in paths}
        yield _visible(sizes), lambda name: (source / name).read_bytes()
        return
    try:
        with zipfile.ZipFile(source) as archive:
            sizes = {m.filename: m.file_size for m in archive.infolist() if not m.is_dir()}
            yield _visible(sizes), archive.read
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as e:
        raise InvalidArchive(f"{source} cannot be read as a zip: {e}.", _LAYOUT) from e


def _visible(sizes: Mapping[str, int]) -> dict[str, int]:
    def hidden(name: str) -> bool:
        return any(p.startswith((".", "__MACOSX")) for p in PurePosixPath(name).parts)

    return {name: size for name, size in sizes.items() if not hidden(name)}


def _usable(name: str, size: int, summary: Summary) -> bool:
    """Say whether a file may be sent; one that may not is listed as rejected."""
    reason = ""
    if size > MAX_IMAGE_BYTES:
        reason = f"It has {size} bytes; the limit is {MAX_IMAGE_BYTES}."
    elif len(PurePosixPath(name).parts) < 2:
        reason = f"It lies in no folder, so it has no label. {_LAYOUT}"
    else:
        try:
            parse_label(_folder(name))
        except InvalidLabel as e:
            reason = str(e)
    if reason:
        summary.rejected.append({"name": name, "reason": reason})
    return not reason


def _folder(name: str) -> str:
    return PurePosixPath(name).parent.name


def _batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    batch: list[str] = []
    batch_bytes = 0
    for name, size in sizes.items():
        if batch and (batch_bytes + size > BATCH_BYTES or len(batch) == BATCH_FILES):
            yield batch
            batch, batch_bytes = [], 0
        batch.append(name)
        batch_bytes += size
    if batch:
        yield batch


def _send(server: Server, batch: list[str], read: Read, summary: Summary) -> None:
    """Send a batch as a zip. Inside, files bear numbers, so that no name can upset the server."""
    body = io.BytesIO()
    sent: dict[str, str] = {}
    with zipfile.ZipFile(body, "w") as archive:
        for i, name in enumerate(batch):
            inside = f"{parse_label(_folder(name))}/{i}"
            archive.writestr(inside, read(name))
            sent[inside] = name
    file = ("batch.zip", body.getvalue(), "application/zip")
    try:
        answer = server.change("/api/upload/training-data", files={"file": file})
        summary.add(answer)
    except ServerError as e:
        if "rejected" not in e.problem:
            raise
        answer = e.problem  # not one image of this batch can be used
    for fault in answer["rejected"]:
        name = sent.get(fault["name"], fault["name"])
        summary.rejected.append({"name": name, "reason": fault["reason"]})
