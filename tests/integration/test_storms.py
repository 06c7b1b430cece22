"""Storms: everything bad at once, and counts through SIGTERM."""

from __future__ import annotations

import io
import os
import re
import struct
import sys
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from deployed import deployed
from drawings import stripes
from server import Server

from ocellus.bootstrap import build
from ocellus.settings import Settings

ZIP = {"Content-Type": "application/zip"}


def png_of(side: int) -> bytes:
    """A valid grey PNG of side x side pixels, packed to a few hundred kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(b"\0" * (side + 1)) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def zip_of(name: str, data: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return packed.getvalue()


def tensor(number: int, shape: list[int]) -> dict[str, object]:
    """An inference request with one pixel's worth of data."""
    data = {"name": "pixels", "datatype": "UINT8", "shape": shape, "data": [number] * 3}
    return {"inputs": [data]}


def memory_mb(pid: int, kind: str) -> int:
    """What the process takes (VmRSS), or took at the most (VmHWM)."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) // 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads the server's memory from /proc")
def test_a_thousand_bad_inputs_are_answered_and_cost_no_memory(tmp_path: Path) -> None:
    huge, bomb = png_of(20_000), zip_of("cat/1.png", b"\0" * 400_000_000)
    large = os.urandom(1 << 20) * 40
    upload = "/api/upload/training-data"

    def labelled(label: str, data: bytes) -> dict[str, object]:
        return {"data": {"label": label}, "files": {"file": ("a.png", data)}}

    def zipped(data: bytes) -> dict[str, object]:
        return {"files": {"file": ("a.zip", data)}}

    bad = [
        ("/api/predict", {"content": b""}, 400),
        ("/api/predict", {"files": {"file": ("cat.jpg", b"I am a text.")}}, 400),
        ("/api/predict", {"content": stripes(1)[:200]}, 400),
        ("/api/predict", {"content": huge}, 413),
        ("/api/predict", {"content": large}, 413),
        (upload, labelled("cat", b""), 400),
        (upload, labelled("cat", huge), 400),
        (upload, labelled("x" * 300, stripes(1)), 400),
        (upload, labelled("cat", large), 413),
        (upload, zipped(bomb), 413),
        (upload, zipped(zip_of("../../etc/cat/1.png", stripes(1))), 400),
        (upload, zipped(b"PK\x03\x04 and no more"), 400),
        ("/api/predict", {"json": {"instances": [{"b64": "%%%"}]}}, 400),
        ("/api/predict/batch", zipped(bomb), 413),
        ("/api/predict/batch", zipped(b"PK\x03\x04 and no more"), 400),
        ("/api/predict/batch", {"content": large, "headers": ZIP}, 413),
        ("/api/predict/batch", {"files": {"note": (None, "no file")}}, 400),
        ("/v1/models/ocellus:predict", {"content": b"[]"}, 400),
        ("/v2/models/ocellus/infer", {"content": b"{"}, 400),
        ("/v2/models/ocellus/infer", {"json": tensor(5, [1, 9_999, 9_999, 3])}, 400),
        ("/v2/models/ocellus/infer", {"content": large}, 413),
        ("/v2/models/other/infer", {"json": tensor(5, [1, 1, 1, 3])}, 404),
    ]
    server = Server(tmp_path / "data", {}).start()
    try:

        def send(case: tuple[str, dict[str, object], int]) -> None:
            path, body, status = case
            answer = server.http.post(path, **body)  # type: ignore[arg-type]
            assert answer.status_code == status, answer.text
            if path.startswith("/api"):
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["detail"]
                assert answer.json()["remedy"]
            else:
                assert answer.json()["error"]

        with ThreadPoolExecutor(20) as senders:
            list(senders.map(send, bad * 9))
            before = memory_mb(server.pid, "VmHWM")
            list(senders.map(send, (bad * 46)[:1000]))
        good = server.http.post("/api/predict", content=stripes(1))
        assert good.status_code == 200
        assert server.get("/api/samples")["count"] == 0
        assert not list((server.data / "blobs" / "samples").rglob("*.*"))
        after = memory_mb(server.pid, "VmHWM")
        assert after < 600, f"{after} MB at the most"
        assert after < before * 1.1, f"{before} MB before, {after} MB after"
    finally:
        server.stop()


def test_counts_are_exact_after_sigterm(tmp_path: Path) -> None:
    environ = {"OCELLUS_DATA_DIR": str(tmp_path / "data"), "OCELLUS_FLUSH_S": "3600"}
    app = build(Settings.from_env(environ))
    with (
        deployed("predict", environ, tmp_path / "one.log", "http") as one,
        deployed("predict", environ, tmp_path / "two.log", "http") as two,
        httpx.Client(timeout=60) as client,
        ThreadPoolExecutor(8) as senders,
    ):
        urls = [f"{(one, two)[i % 2]}/api/predict" for i in range(400)]
        sent = senders.map(lambda url: client.post(url, content=stripes(1)).status_code, urls)
        assert set(sent) == {200}
        assert app.state.counts().get("predictions", 0) < 10  # those that found a flush due
    assert app.state.counts()["predictions"] == 400
    app.close()
