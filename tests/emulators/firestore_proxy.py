"""A gRPC proxy in front of Firestore that counts what is written, and puts faults in answers."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc
from google.cloud.firestore_v1.types import CommitRequest


@dataclass(frozen=True)
class Fault:
    """A status in place of an answer; what was asked is done all the same if `done`."""

    code: grpc.StatusCode
    words: str = "a fault on purpose"
    done: bool = False


class FirestoreProxy(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
    """Passes calls on to the Firestore at `upstream`; FIRESTORE_EMULATOR_HOST says `host`.

    `writes` holds the path of every document written, in whichever process, attempts that failed
    or were repeated too. `faults` are met in order, by method.
    """

    def __init__(self, upstream: str) -> None:
        self.writes: list[str] = []
        self.faults: dict[str, deque[Fault]] = {}
        self._channel = grpc.insecure_channel(upstream)
        self._server = grpc.server(ThreadPoolExecutor(64), handlers=[self])
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()
        self._channel.close()

    def service(self, call: Any) -> grpc.RpcMethodHandler:
        method = call.method.rpartition("/")[2]

        def answer(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
            if method == "Commit":
                self.writes.extend(_documents_in(request))
            faults = self.faults.get(method)
            fault = faults.popleft() if faults else None
            if fault and not fault.done:
                context.abort(fault.code, fault.words)
            try:
                # On the wire one answer is a stream of one.
                answers = self._channel.unary_stream(call.method)(
                    request,
                    timeout=context.time_remaining(),
                    metadata=[("authorization", "Bearer owner")],
                )
                if fault:
                    list(answers)
                    context.abort(fault.code, fault.words)
                yield from answers
            except grpc.RpcError as e:
                context.abort(e.code(), e.details())

        return grpc.unary_stream_rpc_method_handler(answer)


def _documents_in(request: bytes) -> list[str]:
    """Return the paths of the documents that a Commit writes."""
    names = [
        write.update.name or write.delete or write.transform.document
        for write in CommitRequest.deserialize(request).writes
    ]
    return [name.partition("/documents/")[2] for name in names]
