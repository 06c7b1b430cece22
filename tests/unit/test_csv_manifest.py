"""CSV manifests: read, their faults named, trained on wherever they lie."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from drawings import blobs, stripes
from fakes import MemoryBlobs

from ocellus.errors import InvalidArchive
from ocellus.samples import HOLDOUT, TEST, TRAIN, sha256_of
from training_job.acquire import acquire, read_blob
from training_job.csv_manifest import Line, is_manifest, read_manifest
from training_job.data import Dataset, key_of, read_dataset

IMAGES = {
    f"photos/{i}.png": draw(i)
    for start, draw in ((0, blobs), (10, stripes))
    for i in range(start, start + 10)
}
TABLE = "path,label,split\n" + "".join(
    f"photos/{i}.png,{'blob' if i < 10 else 'stripe'},{'test' if i % 5 == 0 else ''}\n"
    for i in range(20)
)


def test_columns_are_found_by_name() -> None:
    text = '\ufeff"Label", taken ,PATH\r\nred fox,2021,a\\b/1.jpg\r\n\r\n"owl",,"x, y.jpg"\r\n'
    assert read_manifest(text.encode(), "wild/list.csv") == [
        Line("wild/a/b/1.jpg", "red fox", None),
        Line("wild/x, y.jpg", "owl", None),
    ]


def test_train_is_split_by_content_unless_a_row_says_holdout() -> None:
    rows = "path,label,split\n1,a,train\n2,a,TEST\n3,b,"
    assert [x.split for x in read_manifest(rows.encode(), "l.csv")] == [None, TEST, None]
    rows += "\n4,b,holdout"
    assert [x.split for x in read_manifest(rows.encode(), "l.csv")] == [TRAIN, TEST, None, HOLDOUT]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("1.jpg", "line 3: 1 cells where the first line has 3"),
        (",a,", "line 3: the path is empty"),
        ("/etc/passwd,a,", "leads out of the CSV file's folder"),
        ("../1.jpg,a,", "leads out"),
        ("C:\\1.jpg,a,", "leads out"),
        ("1.jpg,a/b,", "line 3: The label 'a/b' holds '/'"),
        ("1.jpg,,", "line 3: The label is empty"),
        ("1.jpg,a,dev", "the split 'dev' is none of train, holdout, test"),
        ("0.jpg,b,", "line 3: '0.jpg' is listed twice"),
        ('"1.jpg,a,', "line 3: unexpected end of data"),
    ],
)
def test_a_faulty_line_is_named(row: str, fault: str) -> None:
    with pytest.raises(InvalidArchive) as caught:
        read_manifest(f"path,label,split\n0.jpg,a,\n{row}\n".encode(), "list.csv")
    assert fault in caught.value.detail
    assert "path,label" in caught.value.remedy


def test_of_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    with pytest.raises(InvalidArchive, match="line 6: .*; and 4 more"):
        read_manifest(b"path,label\n" + b",a\n" * 9, "list.csv")


def test_another_encoding_and_another_table_are_refused() -> None:
    with pytest.raises(InvalidArchive, match=r"not UTF-8: byte 0xfc on line 2\. Save it"):
        read_manifest("path,label\nM\u00fchle.jpg,a\n".encode("latin-1"), "list.csv")
    assert not is_manifest(b"file,class\n")
    assert not is_manifest(b"")
    with pytest.raises(InvalidArchive, match="does not begin with its columns"):
        read_manifest(b"file,class\n", "list.csv")


def check(data: Dataset, missing: int = 0) -> None:
    assert data.labels == ["blob", "stripe"]
    assert len(data.keys) == 20 - missing
    tests = {key_of(sha256_of(IMAGES[f"photos/{i}.png"])) for i in (0, 5, 10, 15)}
    assert set(data.keys[data.splits == TEST].tolist()) == tests


def test_a_manifest_is_read_from_a_folder_an_archive_or_by_its_own_name(tmp_path: Path) -> None:
    root = tmp_path / "set"
    (root / "photos").mkdir(parents=True)
    files = IMAGES | {"list.csv": TABLE.encode(), "photos/unlisted.png": blobs(99)}
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for name, data in files.items():
            (root / name).write_bytes(data)
            archive.writestr(f"set/{name}", data)
    check(read_dataset(root, 32))
    check(read_dataset(tmp_path / "set.zip", 32))
    store = MemoryBlobs()
    for source in (root, root / "list.csv"):
        blob = acquire(store, str(source), tmp_path)
        check(read_blob(store, blob, 32, tmp_path / "work", lambda n: None))
    (root / "photos/3.png").unlink()
    data = read_dataset(root, 32)
    check(data, missing=1)
    assert data.unreadable == ["photos/3.png"]
    (root / "more.csv").write_text("path,label\nphotos/1.png,blob\n")
    with pytest.raises(InvalidArchive, match="2 lists of images"):
        read_dataset(root, 32)
