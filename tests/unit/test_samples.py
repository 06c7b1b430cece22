"""Samples, and the split that their content decides."""

from __future__ import annotations

import pytest

from ocellus.samples import HOLDOUT_FRACTION, Sample, sha256_of, split_of


def test_the_hash_is_sha256_in_lower_case_hexadecimal() -> None:
    assert sha256_of(b"abc").startswith("ba7816bf8f01cfea414140de5dae2223")


@pytest.mark.parametrize(
    ("first", "split"),
    [
        ("00000000", "holdout"),
        ("19999999", "holdout"),
        ("1999999a", "train"),
        ("ffffffff", "train"),
    ],
)
def test_the_first_tenth_of_the_hashes_is_held_out(first: str, split: str) -> None:
    assert split_of(first + "0" * 56) == split


def test_about_a_tenth_is_held_out() -> None:
    held_out = sum(split_of(sha256_of(str(i).encode())) == "holdout" for i in range(5000))
    assert abs(held_out / 5000 - HOLDOUT_FRACTION) < 0.02


def test_the_split_is_the_contents_whatever_the_name() -> None:
    a = Sample(sha256_of(b"x"), "cat", "png", 1, 0.0, "upload")
    b = Sample(sha256_of(b"x"), "dog", "jpg", 1, 9.0, "inbox:dog/y.jpg", set_aside_by="r2")
    assert a.split == b.split


def test_the_blob_lies_under_its_label() -> None:
    sample = Sample("ab" * 32, "tabby cat", "png", 1, 0.0, "upload")
    assert sample.blob_name == f"samples/tabby cat/{'ab' * 32}.png"
