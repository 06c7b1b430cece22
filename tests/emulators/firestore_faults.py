"""A way to the Firestore emulator on which answers are lost and faults put in their place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True)
class Fault:
    """A status in place of an answer; what was asked is done all the same if `done`."""

    code: grpc.StatusCode
    words: str = "a fault on purpose"
    done: bool = False


class FaultyWay(grpc.GenericRpcHandler):  # type: ignore[misc]  # it has no types
    """Passes calls on to the emulator, but those for which there are faults. `stop` it at the end.

    `host` is what FIRESTORE_EMULATOR_HOST must say; `faults` are met in order, by method.
    """

    def __init__(self, emulator: str) -> None:
        self.faults: dict[str, deque[Fault]] = {}
        self._channel = grpc.insecure_channel(emulator)
        self._server = grpc.server(ThreadPoolExecutor(4))
        self._server.add_generic_rpc_handlers((self,))
        self.host = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait()
        self._channel.close()

    def service(self, call: Any) -> Any:
        method = call.method.rpartition("/")[2]

        def answer(request: bytes, context: Any) -> Iterator[bytes]:
            faults = self.faults.get(method)
            fault = faults.popleft() if faults else None
            if fault and not fault.done:
                context.abort(fault.code, fault.words)
            try:
                # On the wire one answer is a stream of one.
                answers = list(
                    self._channel.unary_stream(call.method)(
                        request, metadata=[("authorization", "Bearer owner")]
                    )
                )
            except grpc.RpcError as e:
                context.abort(e.code(), e.details())
            if fault:
                context.abort(fault.code, fault.words)
            yield from answers

        return grpc.unary_stream_rpc_method_handler(answer)
