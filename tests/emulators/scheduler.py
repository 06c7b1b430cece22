"""Cloud Scheduler: calls a URL, over and over."""

from __future__ import annotations

import logging
import threading

import httpx

log = logging.getLogger("emulators")


class Scheduler:
    """POSTs to `url` now and `every_s` seconds after each answer, until `stop`."""

    def __init__(self, url: str, every_s: float) -> None:
        self._url, self._every_s = url, every_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Return once the call under way, if any, is answered."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._stopping.is_set():
                try:
                    client.post(self._url).raise_for_status()
                except httpx.HTTPError as e:
                    log.warning("a tick failed: %s", e)
                self._stopping.wait(self._every_s)
