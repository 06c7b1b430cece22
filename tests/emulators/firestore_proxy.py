"""A gRPC proxy in front of Firestore that counts what is written, and can lose answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.cloud.firestore_v1.types import CommitRequest

_COMMIT = "/google.firestore.v1.Firestore/Commit"


class FirestoreProxy(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
    """Passes every call on to the Firestore at `upstream`; FIRESTORE_EMULATOR_HOST says `host`.

    `writes` holds the path of every document written, in whichever process, attempts that failed
    or were repeated too.
    """

    def __init__(self, upstream: str) -> None:
        self.writes: list[str] = []
        self._answers_to_lose = 0
        self._lock = threading.Lock()
        self._channel = grpc.insecure_channel(upstream)
        self._server = grpc.server(ThreadPoolExecutor(64), handlers=[self])
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def lose_answers(self, count: int) -> None:
        """Let the next `count` commits happen, and tell their senders that the server is gone."""
        self._answers_to_lose = count

    def stop(self) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def service(self, details: Any) -> grpc.RpcMethodHandler:
        call = self._channel.stream_stream(details.method)

        def forward(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
            if details.method == _COMMIT:
                requests = map(self._note, requests)
            try:
                answers = call(
                    requests,
                    timeout=context.time_remaining(),
                    metadata=[
                        (key, value)
                        for key, value in context.invocation_metadata()
                        if key in ("authorization", "google-cloud-resource-prefix")
                    ],
                )
                if details.method == _COMMIT and self._loses_answer():
                    list(answers)
                    context.abort(grpc.StatusCode.UNAVAILABLE, "The answer was lost.")
                yield from answers
            except grpc.RpcError as e:
                context.abort(e.code(), e.details())

        return grpc.stream_stream_rpc_method_handler(forward)

    def _note(self, request: bytes) -> bytes:
        for write in CommitRequest.deserialize(request).writes:
            name = write.update.name or write.delete or write.transform.document
            self.writes.append(name.partition("/documents/")[2])
        return request

    def _loses_answer(self) -> bool:
        with self._lock:
            self._answers_to_lose -= 1
            return self._answers_to_lose >= 0
