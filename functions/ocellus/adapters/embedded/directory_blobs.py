"""Blobs as the files of one directory."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ocellus.adapters.embedded.part_files import KEPT_S, PartFiles
from ocellus.adapters.embedded.upload_permits import UPLOADS_PATH, Permit, UploadKey
from ocellus.blob_names import is_blob_name, parse_blob_name
from ocellus.errors import AlreadyExists, NotFound, StoreUnavailable
from ocellus.signed_upload import SignedUpload

_ABANDONED_AFTER_S = 3600.0
_ATTEMPTS = 100


class DirectoryBlobs:
    """Blobs as the files of one directory. A name cannot be both a blob and another's folder."""

    def __init__(self, root: Path) -> None:
        """Open the directory, creating it. Raises: StoreUnavailable."""
        self._root = root
        self._temp = root / ".tmp"
        with self._errors_translated():
            self._temp.mkdir(parents=True, exist_ok=True)
            _remove_abandoned(self._temp)
            self.parts = PartFiles(root / ".parts")
        self._upload_key = UploadKey(root / ".upload-key")

    def get(self, name: str, *, generation: int | None = None) -> bytes:
        path = self._path(name)
        absent = NotFound(f"There is no blob {name!r} in {self._root}.")
        with self._errors_translated():
            try:
                with path.open("rb") as file:
                    data = file.read()
                    found = generation_of(os.fstat(file.fileno()))  # as it is now, once read
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as e:
                raise absent from e
        if generation not in (None, found):
            raise absent
        return data

    def put(self, name: str, data: bytes, *, overwrite: bool = False) -> None:
        path = self._path(name)
        temp = self._temp / uuid.uuid4().hex
        with self._errors_translated():
            try:
                with temp.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                _place(temp, path, overwrite)
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as e:
                raise AlreadyExists(f"The name {name!r} is taken in {self._root}.") from e
            finally:
                temp.unlink(missing_ok=True)
            self._fsync_folders(path)

    def exists(self, name: str) -> bool:
        path = self._path(name)
        with self._errors_translated():
            return path.is_file()

    def list(self, prefix: str = "") -> list[str]:
        folder = prefix.rpartition("/")[0]
        if "/" in prefix and not is_blob_name(folder):
            return []
        names = []
        with self._errors_translated():
            for parent, _, files in os.walk(self._root / folder, onerror=_raise_unless_gone):
                relative = Path(parent).relative_to(self._root)
                names += [(relative / file).as_posix() for file in files]
        return sorted(name for name in names if name.startswith(prefix) and is_blob_name(name))

    def delete(self, name: str, *, generation: int | None = None) -> None:
        path = self._path(name)
        with self._errors_translated():
            if not path.is_file():
                return
            if generation is None:
                path.unlink(missing_ok=True)
            else:
                _unlink_generation(path, generation, self._temp / uuid.uuid4().hex)
            with suppress(OSError):  # the first folder that is not empty stops the sweep
                for folder in self._folders(path):
                    folder.rmdir()

    def sign_upload(
        self, name: str, content_type: str, max_bytes: int, expires_s: int
    ) -> SignedUpload:
        parse_blob_name(name)
        permit = Permit(name, content_type, max_bytes, time.time() + expires_s)
        with self._errors_translated():
            token = self._upload_key.sign(permit)
        return SignedUpload(UPLOADS_PATH + token, {"Content-Type": content_type})

    def start_upload(
        self, name: str, content_type: str, size_bytes: int, origin: str | None = None
    ) -> str:
        """Start a resumable upload. It is on the page's own site, so that `origin` has no say."""
        parse_blob_name(name)
        expires_at = time.time() + KEPT_S
        permit = Permit(name, content_type, size_bytes, expires_at, session=uuid.uuid4().hex)
        with self._errors_translated():
            return UPLOADS_PATH + self._upload_key.sign(permit)

    def read_permit(self, token: str) -> Permit | None:
        """Return what the token of a signed upload allows; None if it was not signed here."""
        with self._errors_translated():
            return self._upload_key.read(token)

    def store_parts(self, permit: Permit) -> None:
        """Make the blob of a resumable upload that has arrived whole. Raises: AlreadyExists."""
        path, whole = self._path(permit.name), self.parts.path(permit.session)
        with self._errors_translated():
            try:
                _fsync(whole)
                _place(whole, path, overwrite=False)
            except (FileExistsError, NotADirectoryError) as e:
                # Its own, if a server was killed just here.
                if not (path.is_file() and path.samefile(whole)):
                    raise AlreadyExists(f"The name {permit.name!r} is taken.") from e
            self._fsync_folders(path)
            self.parts.finish(permit.session)

    def _path(self, name: str) -> Path:
        return self._root / parse_blob_name(name)

    def _fsync_folders(self, path: Path) -> None:
        for folder in (*self._folders(path), self._root):
            _fsync(folder)

    def _folders(self, path: Path) -> tuple[Path, ...]:
        """Return the folders between `path` and the root, innermost first."""
        depth = len(path.relative_to(self._root).parts) - 1
        return tuple(path.parents[:depth])

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as e:
            raise StoreUnavailable(
                f"The directory {self._root} cannot be used: {e}.",
                "Try again; if it persists, see that the disk has room and is writable.",
            ) from e


def generation_of(status: os.stat_result) -> int:
    """Return the generation of a file: when it last changed, to the microsecond, and in the last
    three digits whether it is still the same file, for many kernels' clocks tick every 4 ms only.
    """
    return status.st_ctime_ns // 1000 * 1000 + status.st_ino % 1000


def _place(temp: Path, path: Path, overwrite: bool) -> None:
    """Give the finished file its name, in one step."""
    place = os.replace if overwrite else os.link  # link refuses a taken name, across processes
    for attempts_left in reversed(range(_ATTEMPTS)):
        with suppress(FileExistsError, FileNotFoundError):
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            place(temp, path)
            return
        except FileNotFoundError:  # a concurrent delete swept the folder away: make it again
            if not attempts_left:
                raise


def _unlink_generation(path: Path, generation: int, aside: Path) -> None:
    """Remove the file if it is of the generation, by way of the free name `aside`.

    Whoever replaces the file between the look and the removal finds it in place afterwards.
    """
    with suppress(FileNotFoundError):  # another was faster
        seen = path.stat()
        if generation_of(seen) != generation:
            return
        path.rename(aside)
        moved = aside.stat()
        if not os.path.samestat(seen, moved) or seen.st_mtime_ns != moved.st_mtime_ns:
            with suppress(FileExistsError):  # one newer still
                _place(aside, path, overwrite=False)
        aside.unlink()


def _fsync(path: Path) -> None:
    with suppress(FileNotFoundError):  # a concurrent delete swept it away
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _remove_abandoned(temp: Path) -> None:
    """Remove what writers that were killed left behind."""
    for file in temp.iterdir():
        with suppress(FileNotFoundError):
            if time.time() - file.stat().st_mtime > _ABANDONED_AFTER_S:
                file.unlink()


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error
