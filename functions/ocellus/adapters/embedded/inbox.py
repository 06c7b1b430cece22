"""The inbox bucket on a laptop: a folder whose files are announced to `on_upload`."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from pathlib import Path

from watchfiles import awatch

from ocellus.adapters.embedded.events import Trigger, finalized

_CONCURRENCY = 8
_SETTLE_S = 0.2
_FIRST_RETRY_S = 1.0
_LAST_RETRY_S = 60.0
_RESTART_S = 5.0
_QUIET_MS = 1000

log = logging.getLogger("ocellus.platform")


async def announce_files(folder: Path, on_upload: Trigger) -> None:
    """Announce every file of a folder at least once, until cancelled: those there at the start,
    and each that comes or changes later. Hidden files and folders are left alone.

    An announcement waits until the file has stopped growing. A refused one is repeated after
    1, 2, 4 … 60 s for as long as the file is there, and holds no other file up.
    """
    folder = folder.resolve()
    accepted: dict[str, int] = {}  # by name: the st_ctime_ns that on_upload accepted
    pending: set[str] = set()
    slots = asyncio.Semaphore(_CONCURRENCY)

    async def announce(name: str) -> None:
        path = folder / name
        retry_s = _FIRST_RETRY_S
        while (status := await _settled(path)) and status.st_ctime_ns != accepted.get(name):
            async with slots:
                if _file_status(path) is None:
                    continue  # it went while it waited for its turn
                is_accepted = await on_upload.call(*finalized(name, status))
            if is_accepted:
                accepted[name] = status.st_ctime_ns
                retry_s = _FIRST_RETRY_S
            else:
                log.warning("inbox: %s was not accepted; again in %g s", name, retry_s)
                await asyncio.sleep(retry_s)
                retry_s = min(2 * retry_s, _LAST_RETRY_S)
        if status is None:
            accepted.pop(name, None)
        pending.discard(name)

    async with asyncio.TaskGroup() as announcements:
        async for name, ctime_ns in _sightings(folder):
            if ctime_ns is None:
                accepted.pop(name, None)
            elif ctime_ns != accepted.get(name) and name not in pending:
                pending.add(name)
                announcements.create_task(announce(name))


async def _sightings(folder: Path) -> AsyncIterator[tuple[str, int | None]]:
    """Yield the name and st_ctime_ns of every file that is there, then of each that may have
    changed (None: it is gone). No file is missed; many are yielded more than once.
    """
    while True:
        try:
            async for sighting in _watch(folder):
                yield sighting
            log.warning("inbox: %s was removed; it is made again", folder)
        except OSError as e:
            log.warning("inbox: cannot watch %s: %s", folder, e)
        await asyncio.sleep(_RESTART_S)


async def _watch(folder: Path) -> AsyncIterator[tuple[str, int | None]]:
    """Yield sightings until the folder is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for sighting in await asyncio.to_thread(_files, folder, folder):
        yield sighting
    watch = awatch(folder, watch_filter=None, rust_timeout=_QUIET_MS, yield_on_timeout=True)
    missed_some = True
    async with aclosing(watch):
        async for changes in watch:
            if not folder.is_dir():
                return
            for sighting in await asyncio.to_thread(_look_at, folder, {p for _, p in changes}):
                yield sighting
            if changes:
                missed_some = True
            elif missed_some:
                # A storm overflows the kernel's queue, and a file in a new folder may come before
                # that folder is watched. Once all is quiet, looking at everything finds the rest.
                for sighting in await asyncio.to_thread(_files, folder, folder):
                    yield sighting
                missed_some = False


def _look_at(root: Path, paths: set[str]) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    for path in map(Path, paths):
        name = path.relative_to(root).as_posix()
        if any(part.startswith(".") for part in name.split("/")):
            continue
        if path.is_dir():
            found += _files(root, path)
        else:
            status = _file_status(path)
            found.append((name, status.st_ctime_ns if status else None))
    return found


def _files(root: Path, folder: Path) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and (status := _file_status(path)):
                found.append((path.relative_to(root).as_posix(), status.st_ctime_ns))
    return found


async def _settled(path: Path) -> os.stat_result | None:
    """Wait until a file has kept its size and time for a while; None when it is gone."""
    status = _file_status(path)
    while status:
        await asyncio.sleep(_SETTLE_S)
        before, status = status, _file_status(path)
        if status and (status.st_size, status.st_ctime_ns) == (before.st_size, before.st_ctime_ns):
            break
    return status


def _file_status(path: Path) -> os.stat_result | None:
    with suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return status
    return None
