"""What may name a class."""

from __future__ import annotations

import pytest

from ocellus.errors import InvalidLabel
from ocellus.labels import MAX_LABEL_LENGTH, parse_label


@pytest.mark.parametrize(
    "text",
    ["cat", "tabby cat", "CO2", "3", "naïve", "猫", "R&D (old)", "O'Hare", "a.b-c_d+e", "x" * 64],
)
def test_a_label_is_kept(text: str) -> None:
    assert parse_label(text) == text


def test_outer_spaces_go() -> None:
    assert parse_label("  cat\n") == "cat"


def test_two_spellings_of_one_letter_are_one_label() -> None:
    assert parse_label("cafe\u0301") == parse_label("caf\u00e9")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("x" * (MAX_LABEL_LENGTH + 1), "65 characters"),
        ("x" * 300, "300 characters"),
        (".hidden", "leading dot"),
        ("..", "leading dot"),
        ("a/b", "'/'"),
        ("a\\b", r"'\\\\'"),
        ("a\x00b", r"'\\x00'"),
        ("a:b", "':'"),
        ("<script>", "'<', '>'"),
        ("a\u202eb", "u202e"),
    ],
)
def test_a_label_that_cannot_be_a_folder_is_refused(text: str, found: str) -> None:
    with pytest.raises(InvalidLabel, match=found) as caught:
        parse_label(text)
    assert "1 to 64" in caught.value.remedy
