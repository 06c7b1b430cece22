"""Cloud Storage on a free port of 127.0.0.1: gcp-storage-emulator, and what it lacks.

Added are preconditions (412), pages, CORS, threads, checks of signed URLs, finished resumable
uploads that still answer, and CloudEvents that announce what was stored.
"""

from __future__ import annotations

import json
import threading
import urllib.request
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial, wraps
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import quote

from emulators import storage_signatures
from gcp_storage_emulator import server
from gcp_storage_emulator.storage import Storage

_RETRY_S = 0.2
_EVENT_TIMEOUT_S = 60.0


class StorageEmulator:
    """A running emulator; it ends with `stop`, at the latest with this process.

    `url` is what STORAGE_EMULATOR_HOST must say. A listing's page holds at most `page_size` names.
    """

    def __init__(self, page_size: int = 1000) -> None:
        self._storage = _Storage(page_size)
        self._server = _Server(("127.0.0.1", 0), partial(_RequestHandler, self._storage))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.daemon = True
        self._thread.start()

    def new_bucket(self, name: str | None = None) -> str:
        """Make an empty bucket and return its name, by default a new one."""
        name = name or f"bucket-{uuid.uuid4().hex}"
        kept = {"softDeletePolicy": {"retentionDurationSeconds": "0"}}
        with self._storage.lock:
            self._storage.create_bucket(name, {"kind": "storage#bucket", "name": name} | kept)
        return name

    def announce(self, bucket: str, url: str) -> None:
        """From now on POST a finalized event to `url` for every object stored in the bucket, and
        again until it is accepted (2xx).
        """
        self._storage.announced.append((bucket, url))

    def damage(self, bucket: str, name: str) -> None:
        """Change an object's bytes, and not its checksums."""
        with self._storage.lock:
            self._storage._store.write_bytes(f"{bucket}/{name}", b"damaged")

    def stop(self) -> None:
        self._storage.stop()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Storage(Storage):  # type: ignore[misc]  # it has no types
    """The emulator's storage in memory. Whoever uses it holds its lock."""

    def __init__(self, page_size: int) -> None:
        super().__init__(use_memory_fs=True)
        self.page_size = page_size
        self.lock = threading.RLock()
        self.finished: dict[str, dict[str, Any]] = {}
        """By id: what a resumable upload, now complete, has stored."""
        self.announced: list[tuple[str, str]] = []
        self._stopping = threading.Event()
        self._senders = ThreadPoolExecutor(4)

    def create_file(
        self,
        bucket_name: str,
        file_name: str,
        content: bytes,
        file_obj: dict[str, Any],
        file_id: str | None = None,
    ) -> None:
        super().create_file(bucket_name, file_name, content, file_obj, file_id)
        if file_id:
            self.finished[file_id] = file_obj
        for bucket, url in self.announced:
            if bucket == bucket_name:
                self._senders.submit(self._deliver, url, *_finalized(file_obj))

    def stop(self) -> None:
        self._stopping.set()
        self._senders.shutdown()

    def _write_config_to_file(self) -> None:
        """Nothing outlives the process."""

    def _deliver(self, url: str, headers: dict[str, str], body: bytes) -> None:
        request = urllib.request.Request(url, body, headers)
        while not self._stopping.is_set():
            try:
                urllib.request.urlopen(request, timeout=_EVENT_TIMEOUT_S).close()
                return
            except OSError as e:
                if isinstance(e, urllib.request.HTTPError):
                    e.close()
                self._stopping.wait(_RETRY_S)


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


class _RequestHandler(server.RequestHandler):  # type: ignore[misc]  # it has no types
    def do_OPTIONS(self) -> None:
        self.send_response(HTTPStatus.NO_CONTENT)
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE")
        asked = self.headers.get("Access-Control-Request-Headers", "")
        self.send_header("Access-Control-Allow-Headers", asked)
        self.send_header("Access-Control-Max-Age", "3600")
        self.end_headers()

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


def _finalized(resource: dict[str, Any]) -> tuple[dict[str, str], bytes]:
    """Return the headers and body of the CloudEvent for a stored object.

    Source: https://cloud.google.com/eventarc/docs/cloudevents-storage
    """
    headers = {
        "ce-id": uuid.uuid4().hex,
        "ce-specversion": "1.0",
        "ce-type": "google.cloud.storage.object.v1.finalized",
        "ce-source": f"//storage.googleapis.com/projects/_/buckets/{resource['bucket']}",
        "ce-subject": quote(f"objects/{resource['name']}"),
        "ce-time": datetime.now(UTC).isoformat(),
        "content-type": "application/json",
    }
    return headers, json.dumps(resource).encode()


Handler = Callable[[Any, Any, _Storage], None]


def _whole(handler: Handler) -> Handler:
    """Let a handler see and change the storage alone, and only if the preconditions hold."""

    @wraps(handler)
    def handle(request: Any, response: Any, storage: _Storage) -> None:
        _ = request.data  # read from the network before the lock is taken
        with storage.lock:
            if finished := storage.finished.get(_query(request, "upload_id") or ""):
                response.json(finished)
            elif refusal := storage_signatures.fault(request):
                response.status = refusal
            elif not _precondition_holds(request, storage):
                response.status = HTTPStatus.PRECONDITION_FAILED
                response.json({"error": {"code": 412, "message": "The condition does not hold."}})
            else:
                handler(request, response, storage)
                if handler is server.objects.ls and response.status == HTTPStatus.OK:
                    _cut_to_page(request, response, storage.page_size)

    return handle


def _query(request: Any, name: str) -> str | None:
    values = request.query.get(name)
    return str(values[0]) if values else None


def _precondition_holds(request: Any, storage: _Storage) -> bool:
    expected = _query(request, "ifGenerationMatch") or request.get_header(
        "x-goog-if-generation-match"
    )
    if expected is None:
        return True
    stored = storage.objects.get(request.params["bucket_name"], {}).get(_name(request, storage))
    return bool(expected == (stored["generation"] if stored else "0"))


def _name(request: Any, storage: _Storage) -> str:
    """Return the name of the object that the request is about."""
    if upload_id := _query(request, "upload_id"):
        return str(storage.get_resumable_file_obj(upload_id)["name"])
    data = request.data if isinstance(request.data, dict) else {}
    params = request.params
    return str(
        params.get("dest_object_id")
        or params.get("object_id")
        or _query(request, "name")
        or data.get("meta", data)["name"]
    )


def _cut_to_page(request: Any, response: Any, page_size: int) -> None:
    listing = json.loads(response._content)
    size = min(page_size, int(_query(request, "maxResults") or page_size))
    after = _query(request, "pageToken") or ""
    left = [item for item in listing["items"] if item["name"] > after]
    listing["items"] = left[:size]
    if len(left) > size:
        listing["nextPageToken"] = left[size - 1]["name"]
    response.json(listing)


# The emulator looks its handlers up in this table by name.
server.HANDLERS = tuple(
    (path, {method: _whole(handler) for method, handler in handlers.items()})
    for path, handlers in server.HANDLERS
)
