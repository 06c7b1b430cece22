"""Load: many connections that ask the same function again and again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Answers:
    """What came back: how often each status, and how long each answer took, in seconds. An answer
    that was cut off has status 0.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    took_s: list[float] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self.took_s)


def predict(
    urls: Sequence[str],
    image: bytes,
    connections: int,
    go_on: Callable[[], bool],
    answers: Answers | None = None,
) -> Answers:
    """Post the image to the functions in turn, over so many connections kept alive, as long as
    `go_on` says so; fill `answers` meanwhile.
    """
    answers = answers or Answers()

    async def ask(url: str) -> None:
        address = urlsplit(url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST /api/predict HTTP/1.1\r\nHost: test\r\nContent-Length: {len(image)}\r\n\r\n"
        while go_on():
            began = time.perf_counter()
            writer.write(head.encode() + image)
            try:
                headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
                await reader.readexactly(int(headers.partition("content-length: ")[2].split()[0]))
            except (asyncio.IncompleteReadError, ConnectionError):
                answers.statuses[0] += 1
                headers = "connection: close"
            else:
                answers.took_s.append(time.perf_counter() - began)
                answers.statuses[int(headers.split()[1])] += 1
            if "connection: close" in headers:
                writer.close()
                reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.close()

    async def ask_all() -> None:
        await asyncio.gather(*(ask(urls[i % len(urls)]) for i in range(connections)))

    asyncio.run(ask_all())
    return answers
