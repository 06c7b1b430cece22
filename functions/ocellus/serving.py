"""Serving: which version this instance answers with, and how it follows the pointer."""

from __future__ import annotations

import ctypes
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ocellus.errors import NotFound, OcellusError, StoreUnavailable
from ocellus.manifest import Manifest, blob_name
from ocellus.ports import Blobs, State
from ocellus.prediction import Classifier
from ocellus.runtime import SERVED

log = logging.getLogger("ocellus.serving")

_MAX_BACKOFF_S = 30.0
_OVERDUE_S = 1.0
_PATIENCE_S = 3.0
"""How long a first request waits for the pointer before the packaged version answers."""

_LARGE_BUFFER_BYTES = 512 * 1024


def _return_large_buffers() -> None:
    """Have glibc give freed buffers of this size back to the system at once, as a change of version
    frees many. By default it soon keeps them, up to 32 MB each, in pieces that the next version
    does not fill: after 50 changes a process is 25 MB larger. Elsewhere than on glibc, nothing.

    Source: mallopt(3), M_MMAP_THRESHOLD: once set, it is no longer adjusted.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(-3, _LARGE_BUFFER_BYTES)


_builder = ThreadPoolExecutor(1, "ocellus-builder", _return_large_buffers)
"""Builds every classifier. The C library keeps freed memory for the thread that took it: built in
six threads in turn, a process grows by half as much again.
"""


@dataclass(frozen=True)
class Fault:
    """What is wrong with this instance, `since` in Unix seconds."""

    detail: str
    since: float


class Serving:
    """Holds the one classifier that requests use, and swaps it for the pointer's.

    A request takes `classifier()` once and answers with it, whatever is swapped meanwhile.
    """

    def __init__(
        self,
        blobs: Blobs,
        state: State,
        *,
        refresh_s: float,
        packaged: Path | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`packaged` is a folder with a version to fall back on when the store is gone at start."""
        self._blobs, self._state, self._clock = blobs, state, clock
        self._refresh_s, self._packaged = refresh_s, packaged
        self._one_at_a_time, self._first = threading.Lock(), threading.Lock()
        self._classifier: Classifier | None = None
        self._next_look = 0.0
        self._looking_since: float | None = None
        self._failures = 0
        self._fault: Fault | None = None
        self._service_since: float | None = None
        self.desired: str | None = None
        self.started_at = clock()

    @property
    def version(self) -> str | None:
        """The version in use, None before the first load."""
        return self._classifier.manifest.version if self._classifier else None

    @property
    def fault(self) -> Fault | None:
        """Why the version in use may not be the one it should be."""
        since = self._looking_since
        if self._fault is None and since is not None and self._clock() - since > _OVERDUE_S:
            return Fault("The store was asked for the pointer and has not answered yet.", since)
        return self._fault

    def service_since(self) -> float | None:
        """Return when the first version went into service, None if there is none or the store
        cannot be asked. It never changes, so it is asked for once.
        """
        if self._service_since is None:
            try:
                self._service_since = self._state.service_since()
            except StoreUnavailable as e:
                log.warning("the service's uptime is not known: %s", e)
        return self._service_since

    def ready(self) -> Classifier | None:
        """Return the classifier in use without blocking, None before the first load."""
        return self._classifier

    def classifier(self) -> Classifier:
        """Return the classifier in use; the first caller loads it: the pointer's version, or, until
        the store can be asked, the packaged one.

        Raises: StoreUnavailable if there is none to be had.
        """
        if self._classifier is None:
            with self._first:
                if self._classifier is None:
                    self._load_first()
        if self._classifier is None:
            raise StoreUnavailable(
                "No model version is in service yet"
                + (f": {self.fault.detail}" if self.fault else "."),
                "Train one (`ocellus train --dataset …`) and try again.",
            )
        return self._classifier

    def _load_first(self) -> None:
        look = threading.Thread(target=self.refresh, daemon=True)
        look.start()
        look.join(_PATIENCE_S if self._packaged else None)
        if self._looking_since is None:
            look.join()  # the pointer is known; its version is on its way
        if self._classifier is None:
            self._fall_back()

    def refresh_due(self) -> bool:
        """Say whether it is time to look at the pointer: to one caller, who then looks."""
        if self._clock() < self._next_look or self._one_at_a_time.locked():
            return False
        self._next_look = self._clock() + self._refresh_s
        return True

    def refresh(self) -> None:
        """Look at the pointer and follow it. Never raises: a fault is kept and shown, and the
        version in use stays.
        """
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self._follow()
            finally:
                self._one_at_a_time.release()

    def _follow(self) -> None:
        asked_at = self._looking_since = self._clock()
        missed = "The pointer cannot be read, so that a newer one would be missed. "
        try:
            pointer = self._state.pointer()
            self._looking_since, missed = None, ""
            self.desired = pointer.version if pointer else None
            if pointer and pointer.version != self.version:
                self._classifier = load_classifier(self._blobs, pointer.version)
                log.info("serving %s", pointer.version)
            self._fault, self._failures = None, 0
        except Exception as e:  # whatever it is, requests go on with the version in use
            self._failures += 1
            since = self._fault.since if self._fault else asked_at
            self._fault = Fault(
                missed + (str(e) if isinstance(e, OcellusError) else repr(e)), since
            )
            log.warning("stays on %s: %s", self.version, self._fault.detail)
        self._looking_since = None
        backoff = min(self._refresh_s * 2**self._failures, _MAX_BACKOFF_S)
        self._next_look = self._clock() + (backoff if self._failures else self._refresh_s)

    def _fall_back(self) -> None:
        if self._packaged is None or not (self._packaged / "manifest.json").exists():
            return
        try:
            manifest = Manifest.from_json((self._packaged / "manifest.json").read_bytes())
            self._classifier = Classifier(manifest, (self._packaged / SERVED).read_bytes())
            log.warning("serving the packaged %s", manifest.version)
        except (OcellusError, OSError) as e:
            log.error("the packaged version cannot be used: %s", e)


def load_manifest(blobs: Blobs, version: str) -> Manifest:
    """Return a version's manifest. Raises: NotFound, InvalidManifest."""
    try:
        return Manifest.from_json(blobs.get(blob_name(version, "manifest.json")))
    except NotFound as e:
        raise NotFound(
            f"There is no version {version}.", "GET /api/models lists the versions."
        ) from e


def load_classifier(blobs: Blobs, version: str) -> Classifier:
    """Fetch, check and warm a version. Raises: NotFound, InvalidManifest."""
    manifest = load_manifest(blobs, version)
    artifact = blobs.get(blob_name(version, SERVED))
    return _builder.submit(Classifier, manifest, artifact).result()
