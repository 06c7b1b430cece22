"""What DirectoryBlobs does beyond the contract of Blobs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.errors import AlreadyExists, StoreUnavailable

# Writes blobs of 1 MB, each of one repeated byte, until it is killed.
_WRITER = """
import sys
from itertools import count
from pathlib import Path
from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
blobs = DirectoryBlobs(Path(sys.argv[1]))
for i in count():
    blobs.put(f"a/{i % 20}", bytes([i % 256]) * 2**20, overwrite=True)
    print(i, flush=True)
"""


def files_below(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_writer_killed_in_the_middle_leaves_only_whole_blobs(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _WRITER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        for _ in range(5):
            writer.stdout.readline()
        writer.kill()
    blobs = DirectoryBlobs(tmp_path)
    seen = [blobs.get(name) for name in blobs.list()]
    assert {(len(data), len(set(data))) for data in seen} == {(2**20, 1)}
    blobs.put("a/0", b"x", overwrite=True)
    assert blobs.get("a/0") == b"x"


def test_a_half_written_file_is_invisible_and_removed_when_old(tmp_path: Path) -> None:
    DirectoryBlobs(tmp_path)
    half = tmp_path / ".tmp" / "half"
    half.write_bytes(b"ha")
    assert DirectoryBlobs(tmp_path).list() == []
    assert half.exists()
    os.utime(half, (0, 0))
    DirectoryBlobs(tmp_path)
    assert not half.exists()


@pytest.mark.parametrize("name", [".tmp/half", ".hidden", ".DS_Store"])
def test_hidden_files_at_the_top_have_no_name(tmp_path: Path, name: str) -> None:
    blobs = DirectoryBlobs(tmp_path)
    (tmp_path / name).write_bytes(b"x")
    assert blobs.list() == []
    with pytest.raises(ValueError, match="no blob name"):
        blobs.get(name)


def test_put_leaves_no_file_but_the_blob(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    blobs.put("a/b", b"x")
    blobs.put("a/b", b"y", overwrite=True)
    with pytest.raises(AlreadyExists):
        blobs.put("a/b", b"z")
    assert files_below(tmp_path) == [tmp_path / "a" / "b"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_name_cannot_be_a_blob_and_a_folder(tmp_path: Path, overwrite: bool) -> None:
    blobs = DirectoryBlobs(tmp_path)
    blobs.put("a/b", b"x")
    for name in ("a", "a/b/c", "a/b/c/d"):
        with pytest.raises(AlreadyExists):
            blobs.put(name, b"y", overwrite=overwrite)
    assert files_below(tmp_path) == [tmp_path / "a" / "b"]


def test_delete_removes_the_folders_it_empties_and_no_others(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    blobs.put("a/b/c/d", b"x")
    blobs.put("a/e", b"x")
    blobs.delete("a/b/c/d")
    assert not (tmp_path / "a" / "b").exists()
    blobs.delete("a/e")
    assert [path.name for path in tmp_path.iterdir()] == [".tmp"]


def test_put_makes_a_folder_again_that_was_swept_away_after_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link
    sweeps = iter([Path.rmdir])

    def link_after_a_sweep(temp: Path, path: Path) -> None:
        for sweep in sweeps:
            sweep(path.parent)
        link(temp, path)

    blobs = DirectoryBlobs(tmp_path)
    monkeypatch.setattr(os, "link", link_after_a_sweep)
    blobs.put("a/b", b"x")
    assert blobs.get("a/b") == b"x"


def test_put_makes_a_folder_again_that_was_swept_away_after_it_was_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir_before_a_sweep(folder: Path, mode: int) -> None:
        monkeypatch.undo()
        folder.rmdir()
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    blobs = DirectoryBlobs(tmp_path)
    (tmp_path / "a").mkdir()
    monkeypatch.setattr(os, "mkdir", mkdir_before_a_sweep)
    blobs.put("a/b", b"x")
    assert blobs.get("a/b") == b"x"


def test_a_full_disk_is_store_unavailable_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    blobs = DirectoryBlobs(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left"):
        blobs.put("a", b"x")
    assert files_below(tmp_path) == []


def test_a_directory_that_cannot_be_made_is_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        DirectoryBlobs(tmp_path / "file" / "blobs")


def test_the_key_that_signs_uploads_is_its_owners_alone_and_no_blob(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    blobs.sign_upload("cat/1.png", "image/png", 10, 60)
    assert (tmp_path / ".upload-key").stat().st_mode & 0o777 == 0o600
    assert blobs.list() == []
