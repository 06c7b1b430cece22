"""A TCP relay in front of a server, through which the server is lost without being stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any


class Relay:
    """Passes connections to `address` on to the server at `upstream`, both `host:port`.

    The server can be lost in two ways: `silence` it, and it takes what it is sent and answers
    nothing; `cut` it off, and it refuses every connection. `restore` brings it back.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream.split(":")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._port = 0
        self._server: asyncio.Server | None = None
        self._do(self._listen())
        self.address = f"127.0.0.1:{self._port}"

    def silence(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def cut(self) -> None:
        self._do(self._close())

    def restore(self) -> None:
        self._loop.call_soon_threadsafe(self._flowing.set)
        if self._server is None:
            self._do(self._listen())

    def stop(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pump = asyncio.current_task()
        assert pump is not None
        self._pumps.add(pump)
        writers = [writer]
        try:
            host, port = self._upstream
            answers, requests = await asyncio.open_connection(host, int(port))
            writers.append(requests)
            await asyncio.gather(self._pump(reader, requests), self._pump(answers, writer))
        except (OSError, asyncio.CancelledError):
            pass  # the other side sees its connection end
        finally:
            self._pumps.discard(pump)
            for each in writers:
                each.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(1 << 16):
            await self._flowing.wait()
            sink.write(data)
            await sink.drain()
        sink.close()
