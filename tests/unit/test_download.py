"""Downloading: resumed where it broke, checked, and clear when it cannot be had."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocellus.errors import StoreUnavailable
from training_job.download import download

CONTENT = bytes(range(256)) * 20_000
SHA = hashlib.sha256(CONTENT).hexdigest()


class Site(ThreadingHTTPServer):
    """Serves CONTENT; of each of the first answers only so many bytes as `breaks` says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.breaks: list[int] = []
        self.asked: list[str | None] = []
        self.ranges = True
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        site, asked = self.server, self.headers["Range"]
        site.asked.append(asked)
        if site.status != 200:
            self.send_error(site.status)
            return
        start = int(re.findall(r"\d+", asked)[0]) if asked and site.ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:][: site.breaks.pop(0) if site.breaks else None])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(site: Site, path: Path, sha256: str = SHA) -> list[str]:
    said: list[str] = []
    download(site.url, sha256, path, said.append)
    return said


def test_a_connection_that_breaks_is_taken_up_where_it_broke(site: Site, tmp_path: Path) -> None:
    site.breaks = [1_000_000, 2_000_000]
    path = tmp_path / "new" / "file"
    fetch(site, path)
    assert path.read_bytes() == CONTENT
    assert site.asked == [None, "bytes=1000000-", "bytes=3000000-"]
    fetch(site, path)
    assert len(site.asked) == 3
    assert [x.name for x in path.parent.iterdir()] == ["file"]


def test_what_came_before_a_crash_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file.part").write_bytes(CONTENT[:700_000])
    fetch(site, tmp_path / "file")
    assert site.asked == ["bytes=700000-"]
    (tmp_path / "whole.part").write_bytes(CONTENT)
    fetch(site, tmp_path / "whole")
    for name in ("file", "whole"):
        assert (tmp_path / name).read_bytes() == CONTENT


def test_a_server_without_ranges_sends_it_all_again(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    (tmp_path / "file.part").write_bytes(b"anything")
    fetch(site, tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_another_file_is_thrown_away(site: Site, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match=f"sha256 is {SHA}, not 00"):
        fetch(site, tmp_path / "file", "00")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file.part").write_bytes(CONTENT * 2)
    fetch(site, tmp_path / "file")


def test_a_server_that_gives_nothing_is_given_up(site: Site, tmp_path: Path) -> None:
    site.breaks = [1_000_000, 0]
    with pytest.raises(StoreUnavailable, match="cannot be downloaded.*goes on where it stopped"):
        fetch(site, tmp_path / "file")
    assert (tmp_path / "file.part").stat().st_size == 1_000_000
    site.status = 503
    with pytest.raises(StoreUnavailable, match="answered 503"):
        fetch(site, tmp_path / "file")
    site.server_close()
    site.shutdown()
    with pytest.raises(StoreUnavailable, match="refused"):
        fetch(site, tmp_path / "file")
