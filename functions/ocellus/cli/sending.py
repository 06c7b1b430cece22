"""Uploading a folder or zip of `label/image` by signed URLs, each image by itself.

The server is asked, a batch at a time, what is to be done with each file; what is to be sent is
sent; what was sent is asked about until it is on file. An upload that was killed is simply
repeated: what is there already is not sent again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ocellus.cli.client import Server
from ocellus.cli.delivery import AT_ONCE, Delivery, patiently
from ocellus.cli.progress import UploadProgress
from ocellus.cli.sources import LabelledFile, Read, examined, opened
from ocellus.cli.summary import Summary
from ocellus.errors import BadInput
from ocellus.samples import Filing
from ocellus.signing import MAX_FILES, Status

PATIENCE_S = 120.0
"""Without one file being filed. A function that must start first takes some 10 s."""
MAX_SENDS = 3
_ASKED_AT_ONCE = 5 * MAX_FILES
"""Of the files that were sent, before a pause: the server looks each of them up."""
_FIRST_PAUSE_S = 0.25
_LAST_PAUSE_S = 4.0

T = TypeVar("T")


def upload(server: Server, source: Path, patience_s: float = PATIENCE_S) -> Summary:
    """Send every image of `source` and wait until it is on file; what cannot be used is listed and
    the rest go on. Doing so again changes nothing.

    Raises: InvalidArchive, ServerError, Unauthorized.
    """
    with opened(source) as (sizes, read):
        before = server.get("/api/retrain/status")  # without a server, it is said at once
        going = _Upload(server, read, sizes, before["now"])
        try:
            for names in _batched(sizes, MAX_FILES):
                going.take(names)
            going.wait(patience_s)
        finally:
            going.close()
    after = patiently(lambda: server.get("/api/retrain/status"))
    summary = going.summary
    summary.new_samples, summary.threshold = after["new_samples"], after["threshold"]
    run, run_before = after["run"], before["run"]
    if run and run["id"] != (run_before and run_before["id"]):
        summary.run = run["id"]
    return summary


class _Upload:
    """An upload on its way. `close` it in the end, however it ends."""

    def __init__(
        self, server: Server, read: Read, sizes: dict[str, int], started_at: float
    ) -> None:
        """`started_at` is by the server's clock."""
        self.summary = Summary(files=len(sizes))
        self._server, self._read, self._sizes, self._started_at = server, read, sizes, started_at
        self._readers = ThreadPoolExecutor(AT_ONCE)
        self._delivery = Delivery(server, read)
        self._progress = UploadProgress(len(sizes))
        self._first: dict[str, LabelledFile] = {}  # by sha256
        self._pending: dict[str, LabelledFile] = {}
        """By name in the inbox: not yet on file; first those that were asked about longest ago."""
        self._sends: Counter[LabelledFile] = Counter()
        self._refusals: dict[LabelledFile, str] = {}

    def take(self, names: list[str]) -> None:
        """Check a batch, ask about it, and send what is to be sent. Sending goes on meanwhile, so
        that it does not wait for the next batch.
        """
        files = self._readers.map(lambda n: examined(n, self._sizes[n], self._read), names)
        self._ask([file for file in map(self._enter, names, files) if file])
        self._finish_sending(leave=MAX_FILES)

    def wait(self, patience_s: float) -> None:
        """Ask about what was sent, and send again what did not arrive, until all is on file."""
        pause_s, patient_until = _FIRST_PAUSE_S, time.monotonic() + patience_s
        self._finish_sending()
        while before := len(self._pending):
            for files in _batched(list(self._pending.values())[:_ASKED_AT_ONCE], MAX_FILES):
                self._ask(files)
            self._finish_sending()
            if len(self._pending) < before:
                pause_s, patient_until = _FIRST_PAUSE_S, time.monotonic() + patience_s
            elif time.monotonic() > patient_until:
                break
            if self._pending:
                time.sleep(pause_s)
                pause_s = min(2 * pause_s, _LAST_PAUSE_S)
        self.summary.waiting = len(self._pending)

    def close(self) -> None:
        self._delivery.close()
        self._readers.shutdown(cancel_futures=True)
        self._progress.end()

    def _enter(self, name: str, file: LabelledFile | BadInput) -> LabelledFile | None:
        """Return the file if the server shall hear of it; of another the summary tells."""
        if isinstance(file, BadInput):
            self._reject(name, str(file))
        elif (first := self._first.setdefault(file.sha256, file)) is file:
            return file
        elif first.label == file.label:
            self._settle(Filing.DUPLICATE)
        else:
            self._conflict(name, f"It is the same image as {first.name}, of another label.")
        self._progress.sent += 1
        return None

    def _ask(self, files: list[LabelledFile]) -> None:
        """Do what the server says about each of up to MAX_FILES files."""
        if not files:
            return
        body = {"files": [file.offer for file in files]}
        answers = patiently(lambda: self._server.change("/api/upload/sign", json=body))["files"]
        known = {answer["object"] for answer in answers if answer["object"] in self._pending}
        if any(a["status"] == Status.UPLOAD for a in answers if a["object"] in known):
            self._look_for_rejections()  # gone from the inbox and not on file
        for file, answer in zip(files, answers, strict=True):
            if answer["object"] in self._pending or answer["object"] not in known:
                self._follow(file, answer)
        self._progress.show()

    def _follow(self, file: LabelledFile, answer: Any) -> None:
        status, name = answer["status"], answer["object"]
        was_pending = self._pending.pop(name, None) is not None
        if status == Status.UPLOAD and self._sends[file] < MAX_SENDS:
            self._sends[file] += 1
            self._pending[name] = file
            self._delivery.send(file, answer["upload"])
            return
        if not was_pending:
            self._progress.sent += 1  # before this upload
        if status == Status.WAITING:
            self._pending[name] = file
        elif status == Status.ON_FILE:
            self._settle(Filing.NEW if was_pending else Filing.DUPLICATE)
            if was_pending:
                self.summary.labels[file.label] += 1
        elif status == Status.CONFLICTING:
            self._conflict(file.name, answer["reason"])
        elif status == Status.REJECTED:
            self._reject(file.name, answer["reason"])
        else:
            fault = self._refusals.get(file, "It was not filed; the server's log may say why.")
            self._reject(file.name, f"Sent {MAX_SENDS} times. {fault}")

    def _finish_sending(self, leave: int = 0) -> None:
        for file, refusal in self._delivery.finished(leave):
            if refusal:
                self._refusals[file] = refusal
            elif self._sends[file] == 1:
                self._progress.sent += 1
                self._progress.sent_bytes += file.size_bytes
            self._progress.show()

    def _look_for_rejections(self) -> None:
        """Find in the history why files are not on file: in what happened since this began."""
        limit = min(max(2 * len(self._pending), 50), 500)
        for event in patiently(lambda: self._server.get("/api/history", limit=limit))["events"]:
            if event["action"] != "rejected" or event["at"] < self._started_at:
                continue
            if file := self._pending.pop(event["detail"].get("object"), None):
                self._reject(file.name, event["detail"]["reason"])

    def _settle(self, outcome: Filing) -> None:
        self.summary.outcomes[str(outcome)] += 1
        self._progress.filed += 1

    def _conflict(self, name: str, reason: str) -> None:
        self.summary.outcomes[str(Filing.CONFLICTING)] += 1
        self._reject(name, reason)

    def _reject(self, name: str, reason: str) -> None:
        self.summary.rejected.append({"name": name, "reason": reason})
        self._progress.filed += 1


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
