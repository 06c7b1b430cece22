"""Downloading a large file: checksummed, kept, and going on where it stopped."""

from __future__ import annotations

import hashlib
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from ocellus.errors import StoreUnavailable

TIMEOUT_S = 60
_CHUNK = 1 << 20
_SAID_EVERY_S = 2.0
_REMEDY = "Try again; the download goes on where it stopped. Or name a folder or archive."
_WHOLE_SIZE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+)")


def download(url: str, sha256: str, path: Path, say: Callable[[str], None]) -> None:
    """Download `url` to `path`, unless it lies there already.

    What has come is kept beside it as `.part` from call to call. A connection that breaks is taken
    up again for as long as each attempt brings something. `say` is told of the progress.
    Raises: StoreUnavailable if the server cannot be reached, or what came is another file.
    """
    if path.exists() and _sha256_of(path) == sha256:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    whole = False
    while not whole:
        before = _size(part)
        try:
            whole = _fetch(url, part, say)
            fault = "the connection broke"
        except urllib.error.HTTPError as e:
            raise _unavailable(url, f"the server answered {e.code} {e.reason}") from e
        except (OSError, HTTPException) as e:
            fault = str(e) or type(e).__name__
        if not whole and _size(part) <= before:
            raise _unavailable(url, fault)
    if (found := _sha256_of(part)) != sha256:
        part.unlink()
        raise StoreUnavailable(
            f"What came from {url} is another file: its sha256 is {found}, not {sha256}.",
            "It was thrown away. Try again, or name a folder or archive.",
        )
    part.replace(path)


def _fetch(url: str, part: Path, say: Callable[[str], None]) -> bool:
    """Append what is missing to `part`, and say whether it is whole now."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            start, size = _range_of(response)
            if start not in (0, have):
                raise HTTPException(f"it was asked from byte {have} and sent from {start}")
            with part.open("ab" if start else "wb") as file:
                _copy(response, file.write, start, size, say)
    except urllib.error.HTTPError as e:
        # 416: nothing lies beyond what is there, so it is whole or of another file.
        match = _WHOLE_SIZE.fullmatch(e.headers.get("Content-Range", ""))
        if e.code != 416 or not match:
            raise
        size = int(match[2])
        if have != size:
            part.unlink()
            return _fetch(url, part, say)
    return size is None or _size(part) == size


def _range_of(response: HTTPResponse) -> tuple[int, int | None]:
    """Return where the body starts in the file, and the file's size if the server tells it."""
    if response.status == 206:
        match = _WHOLE_SIZE.fullmatch(response.headers.get("Content-Range", ""))
        if not match or match[1] is None:
            raise HTTPException(f"a part without its range: {response.headers['Content-Range']!r}")
        return int(match[1]), int(match[2])
    length = response.headers.get("Content-Length")
    return 0, int(length) if length else None


def _copy(
    response: HTTPResponse,
    write: Callable[[bytes], object],
    start: int,
    size: int | None,
    say: Callable[[str], None],
) -> None:
    done, began = 0, time.monotonic()
    said = began
    while chunk := response.read1(_CHUNK):
        write(chunk)
        done += len(chunk)
        now = time.monotonic()
        if now - said >= _SAID_EVERY_S:
            said = now
            rate = done / (now - began)
            left = f" of {size >> 20} MB, {(size - start - done) / rate:.0f} s left" if size else ""
            say(f"{(start + done) >> 20} MB{left}")


def _unavailable(url: str, fault: str) -> StoreUnavailable:
    return StoreUnavailable(f"{url} cannot be downloaded: {fault}.", _REMEDY)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
