"""Reading data sets: layouts, splits, faults."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawings import blobs, stripes
from fakes import MemoryBlobs
from PIL import Image

from ocellus.errors import InvalidArchive, NotFound
from ocellus.replay import PER_LABEL, Replay, rows_to_keep
from ocellus.samples import HOLDOUT, TEST, TRAIN, sha256_of, split_of
from training_job.acquire import acquire, find_again, read_blob, read_cifar10
from training_job.data import Dataset, Duplicate, choose_side, key_of, read_dataset

FILES = {
    f"{name}/{i}.png": draw(i) for name, draw in (("b", blobs), ("s", stripes)) for i in range(20)
}


def folder_of(path: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tar_of(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def png_of(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "png")
    return buffer.getvalue()


def test_folder_zip_and_tar_give_the_same_data_set(tmp_path: Path) -> None:
    sources = [
        folder_of(tmp_path / "folder", FILES),
        zip_of(tmp_path / "a.zip", FILES),
        tar_of(tmp_path / "a.tar.xz", FILES),
    ]
    sets = [read_dataset(source, 32) for source in sources]
    assert len({data.digest() for data in sets}) == 1
    for data in sets:
        assert data.labels == ["b", "s"]
        assert data.images.shape == (40, 32, 32, 3)
        np.testing.assert_array_equal(data.images, sets[0].images)


def test_the_split_is_decided_by_content(tmp_path: Path) -> None:
    data = read_dataset(zip_of(tmp_path / "a.zip", FILES), 32)
    expected = {key_of(sha256_of(d)): split_of(sha256_of(d)) for d in FILES.values()}
    found = {
        int(k): {TRAIN: "train", HOLDOUT: "holdout"}[s]
        for k, s in zip(data.keys, data.splits, strict=True)
    }
    assert found == expected


def test_images_under_test_are_test_images_even_if_they_stand_elsewhere(tmp_path: Path) -> None:
    files = {f"train/{n}": d for n, d in FILES.items()} | {"test/b/x.png": FILES["b/0.png"]}
    data = read_dataset(zip_of(tmp_path / "a.zip", files), 32)
    assert len(data.keys) == 40
    assert data.keys[data.splits == TEST].tolist() == [key_of(sha256_of(FILES["b/0.png"]))]
    assert data.duplicates == (
        Duplicate("train/b/0.png", "test/b/x.png", exact=True, left_out=True),
    )


def test_unreadable_files_are_listed_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    bad = {"b/note.txt": b"text", "s/empty.png": b"", "s/half.png": FILES["s/0.png"][:60]}
    files = FILES | bad | {"b/.DS_Store": b"x", "__MACOSX/b/0.png": b"x", "notes.csv": b"a,b"}
    for source in (
        folder_of(tmp_path / "folder", files),
        zip_of(tmp_path / "a.zip", files),
        tar_of(tmp_path / "a.tar", files),
    ):
        data = read_dataset(source, 32)
        assert sorted(data.unreadable) == sorted(bad)
        assert len(data.keys) == 40


def test_a_damaged_file_in_a_zip_costs_itself_alone(tmp_path: Path) -> None:
    source = zip_of(tmp_path / "a.zip", FILES)
    at = source.read_bytes().index(FILES["s/3.png"]) + 50
    with source.open("r+b") as file:
        file.seek(at)
        file.write(b"damage")
    data = read_dataset(source, 32)
    assert data.unreadable == ["s/3.png"]
    assert len(data.keys) == 39


@pytest.mark.parametrize("make", [zip_of, tar_of])
def test_an_archive_that_breaks_off_is_refused(
    tmp_path: Path, make: Callable[[Path, dict[str, bytes]], Path]
) -> None:
    source = make(tmp_path / "a.bin", FILES)
    source.write_bytes(source.read_bytes()[:-2000])
    with pytest.raises(InvalidArchive, match=r"Pack it again|not a folder"):
        read_dataset(source, 32)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_images_of_any_mode_and_size_are_read(tmp_path: Path, mode: str) -> None:
    kind = "tiff" if mode == "CMYK" else "png"
    for i in range(4):
        (tmp_path / str(i % 2)).mkdir(exist_ok=True)
        Image.new("L", (3 + 400 * i, 40), 60 * i).convert(mode).save(
            tmp_path / str(i % 2) / f"{i}.{kind}"
        )
    data = read_dataset(tmp_path, 64)
    assert data.images.shape == (4, 64, 64, 3)


@pytest.mark.parametrize("count", [1, 1001])
def test_too_few_or_too_many_labels_are_refused(tmp_path: Path, count: int) -> None:
    files = {f"{i}/{i}.png": png_of(Image.new("RGB", (2, 2), (i % 256, i // 256, 0)))
             for i in range(count)}  # fmt: skip
    with pytest.raises(InvalidArchive, match=rf"under {count} label.*2 to 1,000 labels"):
        read_dataset(zip_of(tmp_path / "a.zip", files), 32)


@pytest.mark.parametrize("files", [{}, {"b/0.png": FILES["b/0.png"]}, {"0.png": FILES["b/0.png"]}])
def test_fewer_than_two_labels_are_refused(tmp_path: Path, files: dict[str, bytes]) -> None:
    with pytest.raises(InvalidArchive, match="one folder per label"):
        read_dataset(zip_of(tmp_path / "a.zip", files), 32)


def test_a_data_set_is_stored_once_by_its_content(tmp_path: Path) -> None:
    store = MemoryBlobs()
    folder = folder_of(tmp_path / "pets", FILES)
    blob = acquire(store, str(folder), tmp_path)
    assert acquire(store, str(folder), tmp_path) == blob
    assert blob.startswith("datasets/")
    assert blob.endswith("/pets.zip")
    data = read_blob(store, blob, 32, tmp_path / "work", lambda n: None)
    assert data.digest() == read_dataset(folder, 32).digest()
    assert find_again(store, blob, tmp_path) == blob


def test_a_data_set_that_is_gone_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Train with --dataset"):
        find_again(MemoryBlobs(), "datasets/0123/pets.zip", tmp_path)
    with pytest.raises(InvalidArchive, match="no data set"):
        acquire(MemoryBlobs(), str(tmp_path / "nowhere"), tmp_path)


def test_the_official_cifar10_archive_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    planes = rng.integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)
    classes = np.array([3, 0, 9, 3, 1], np.uint8)
    records = np.concatenate([classes[:, None], planes.reshape(5, -1)], axis=1).astype(np.uint8)
    files = {
        "cifar-10-batches-bin/data_batch_1.bin": records[:3].tobytes(),
        "cifar-10-batches-bin/test_batch.bin": records[3:].tobytes(),
        "cifar-10-batches-bin/readme.html": b"",
    }
    data = read_cifar10(tar_of(tmp_path / "cifar.tar.gz", files))
    assert data.classes.tolist() == classes.tolist()
    assert (data.splits[3:] == TEST).all()
    assert (data.splits[:3] != TEST).all()
    np.testing.assert_array_equal(data.images[1, :, :, 2], planes[1, 2])


def test_replay_keeps_the_holdout_and_a_bounded_sample_of_each_label() -> None:
    rng = np.random.default_rng(4)
    n = 3 * PER_LABEL
    classes, keys = rng.integers(0, 2, n), rng.integers(0, 2**63, n).astype(np.uint64)
    splits = rng.choice([TRAIN, HOLDOUT, TEST], n, p=[0.8, 0.1, 0.1]).astype(np.uint8)
    rows = rows_to_keep(classes, keys, splits)
    kept = splits[rows]
    assert (kept == HOLDOUT).sum() == (splits == HOLDOUT).sum()
    assert (kept == TEST).sum() == 0
    for c in (0, 1):
        assert ((kept == TRAIN) & (classes[rows] == c)).sum() == PER_LABEL
    features = rng.random((len(rows), 4)).astype(np.float16)
    replay = Replay(features, classes[rows], keys[rows], kept, keys[:3])
    again = Replay.from_npz(replay.to_npz())
    for name in ("features", "classes", "keys", "splits", "learned"):
        np.testing.assert_array_equal(getattr(again, name), getattr(replay, name))


def test_the_digest_of_a_data_set_does_not_depend_on_order() -> None:
    def made(order: list[int]) -> Dataset:
        keys = np.array([5, 6, 7], np.uint64)[order]
        classes, splits = np.array([0, 1, 1])[order], np.array([0, 1, 0], np.uint8)[order]
        return Dataset(["a", "b"], np.zeros((3, 2, 2, 3), np.uint8), classes, keys, splits, [])

    assert made([0, 1, 2]).digest() == made([2, 0, 1]).digest()


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(32, 32)], 32),
        ([(20, 500)], 32),
        ([(640, 480)] * 3, 96),
        ([(70, 90), (64, 64), (300, 200)], 64),
        ([], 32),
    ],
)
def test_the_input_side_suits_the_images(sizes: list[tuple[int, int]], expected: int) -> None:
    entries: list[tuple[str, bytes | None]] = [("note.txt", b"no image"), ("empty.png", None)]
    for size in sizes:
        entries.append(("a/b.png", png_of(Image.new("RGB", size))))
    assert choose_side(entries) == expected


def test_a_data_set_may_choose_its_side(tmp_path: Path) -> None:
    source = folder_of(tmp_path, FILES)
    assert read_dataset(source).images.shape == (40, 48, 48, 3)
    assert read_dataset(source, 64).images.shape == (40, 64, 64, 3)
