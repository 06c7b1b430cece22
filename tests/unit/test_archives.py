"""Zips from strangers."""

from __future__ import annotations

import zipfile

import pytest
from pictures import zipped

from ocellus import archives
from ocellus.archives import Entry, is_zip, read_zip
from ocellus.errors import InvalidArchive, TooLarge


def renamed(name: str, data: bytes = b"x") -> bytes:
    """A zip with a name that zipfile would not write."""
    placeholder = "p" * len(name)
    return zipped((placeholder, data)).replace(placeholder.encode(), name.encode())


def test_files_come_in_order_with_their_folder() -> None:
    data = zipped(("cat/1.png", b"one"), ("pets/dog/2.png", b"two"))
    assert list(read_zip(data)) == [
        Entry("cat", "cat/1.png", b"one"),
        Entry("dog", "pets/dog/2.png", b"two"),
    ]


def test_folders_and_hidden_files_are_passed_over() -> None:
    data = zipped(
        ("cat/", b""),
        ("cat/1.png", b"one"),
        ("cat/.DS_Store", b"x"),
        (".git/config", b"x"),
        ("a/.thumbs/b/2.png", b"x"),
        ("__MACOSX/cat/._1.png", b"x"),
    )
    assert [entry.name for entry in read_zip(data)] == ["cat/1.png"]


def test_backslashes_part_folders() -> None:
    assert [entry.folder for entry in read_zip(renamed("cat\\1.png"))] == ["cat"]


@pytest.mark.parametrize(
    "name",
    [
        "../cat/1.png",
        "cat/../../1.png",
        "..\\cat\\1.png",
        "/etc/cat/1.png",
        "\\cat\\1.png",
        "C:/cat/1.png",
        "C:\\cat\\1.png",
        ".hidden/../../1.png",
    ],
)
def test_a_name_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(InvalidArchive, match="leads outside|holds no files"):
        list(read_zip(renamed(name)))


def test_a_bad_name_stops_the_archive_before_its_first_file() -> None:
    entries = read_zip(zipped(("cat/1.png", b"one"), ("../2.png", b"two")))
    with pytest.raises(InvalidArchive, match="leads outside"):
        next(entries)


def test_a_file_outside_any_folder_is_refused() -> None:
    with pytest.raises(InvalidArchive, match=r"'1.png' outside any folder"):
        list(read_zip(zipped(("1.png", b"one"))))


def test_a_bomb_is_refused_unopened() -> None:
    bomb = zipped(("cat/1.png", bytes(10_000_000)), compression=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 20_000
    with pytest.raises(InvalidArchive, match="no image shrinks so"):
        next(read_zip(bomb))


def test_a_file_too_large_is_refused_by_its_declared_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_IMAGE_BYTES", 10)
    with pytest.raises(TooLarge, match="unpacks to 11 bytes; the limit is 10"):
        next(read_zip(zipped(("cat/1.png", b"x" * 11))))


def test_a_file_larger_than_it_declares_is_not_read_on(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(zipped(("cat/1.png", bytes(1000)), compression=zipfile.ZIP_DEFLATED))
    directory = data.rindex(b"PK\x01\x02")
    data[directory + 24 : directory + 28] = (5).to_bytes(4, "little")  # the uncompressed size
    with pytest.raises(InvalidArchive):
        list(read_zip(bytes(data)))


def test_too_much_together_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 10)
    with pytest.raises(TooLarge, match="unpacks to 12 bytes; the limit is 10"):
        next(read_zip(zipped(("cat/1.png", b"x" * 6), ("cat/2.png", b"x" * 6))))


def test_too_many_files_are_refused() -> None:
    files = [(f"cat/{i}", b"") for i in range(archives.MAX_ENTRIES + 1)]
    with pytest.raises(TooLarge, match="10001 files; the limit is 10000"):
        next(read_zip(zipped(*files)))


@pytest.mark.parametrize("data", [zipped(), zipped((".hidden/1.png", b"x")), zipped(("cat/", b""))])
def test_an_archive_without_files_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArchive, match="holds no files"):
        list(read_zip(data))


def test_a_broken_checksum_is_refused() -> None:
    data = zipped(("cat/1.png", b"one two three")).replace(b"one two", b"one tvo", 1)
    with pytest.raises(InvalidArchive, match="CRC"):
        list(read_zip(data))


def test_an_encrypted_file_is_refused() -> None:
    data = bytearray(zipped(("cat/1.png", b"one")))
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + flags_at] |= 1
    with pytest.raises(InvalidArchive, match="encrypted"):
        list(read_zip(bytes(data)))


def test_an_archive_cut_short_is_refused() -> None:
    data = zipped(("cat/1.png", b"one"))
    with pytest.raises(InvalidArchive, match="not a zip file"):
        list(read_zip(data[:-10]))


def test_an_archive_cut_at_its_start_is_refused() -> None:
    data = zipped(("cat/1.png", b"one"))
    with pytest.raises(InvalidArchive):
        list(read_zip(data[7:]))


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_broken_compression_is_refused(compression: int) -> None:
    noise = bytes(i * i % 251 for i in range(500))
    data = bytearray(zipped(("cat/1.png", noise), compression=compression))
    data[60:90] = b"\xff" * 30
    with pytest.raises(InvalidArchive):
        list(read_zip(bytes(data)))


def test_zips_are_told_by_their_first_bytes() -> None:
    assert is_zip(zipped(("cat/1.png", b"one")))
    assert is_zip(zipped())
    assert not is_zip(b"\x89PNG\r\n\x1a\n")
    assert not is_zip(b"")
