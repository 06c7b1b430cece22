"""Multipart bodies, taken apart."""

from __future__ import annotations

import pytest

from ocellus.errors import BadInput
from ocellus.http.forms import MAX_FIELD_BYTES, parse_form

TYPE = "multipart/form-data; boundary=edge"


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    lines = [f"Content-Disposition: form-data{disposition}", *headers]
    return "".join(f"{x}\r\n" for x in ["--edge", *lines, ""]).encode() + content + b"\r\n"


def file(name: str, content: bytes) -> bytes:
    return part(f'; name="file"; filename="{name}"', content, "Content-Type: image/jpeg")


END = b"--edge--\r\n"
BINARY = bytes(range(256)) + b"\r\n--edg\r\n\r\n--"


def test_files_keep_their_order_and_every_byte() -> None:
    form = parse_form(TYPE, file("b.jpg", BINARY) + file("a.jpg", b"") + END, 2)
    assert form.files == [("b.jpg", BINARY), ("a.jpg", b"")]


def test_fields_and_files_are_told_apart() -> None:
    body = part('; name="label"', "Frösche".encode()) + file("1.jpg", b"x") + END
    form = parse_form(TYPE, body, 1)
    assert form.fields == {"label": "Frösche"}
    assert form.files == [("1.jpg", b"x")]


@pytest.mark.parametrize(
    ("sent", "name"),
    [("Größe.jpg", "Größe.jpg"), ("a%22b.jpg", 'a"b.jpg'), ("", "file")],
)
def test_names_are_read_as_browsers_write_them(sent: str, name: str) -> None:
    assert parse_form(TYPE, file(sent, b"x") + END, 1).files == [(name, b"x")]


@pytest.mark.parametrize("written", ['boundary="edge"', "charset=utf-8; Boundary=edge"])
def test_the_boundary_may_be_quoted_or_come_late(written: str) -> None:
    form = parse_form(f"multipart/form-data; {written}", file("1.jpg", b"x") + END, 1)
    assert form.files == [("1.jpg", b"x")]


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "parsed"),
        (file("1.jpg", b"cut short")[:-4], "parsed"),
        (file("1.jpg", b"x"), "parsed"),  # without an end
        (part("", b"x") + END, "no name"),
        (part('; name="label"', b"\xff") + END, "decode"),
        (part('; name="label"', bytes(MAX_FIELD_BYTES + 1)) + END, "1048576 bytes"),
        (file("1.jpg", b"x") * 2 + END, "more than 1 files"),
        (b"".join(part(f'; name="{n}"', b"x") for n in range(1001)) + END, "1000 fields"),
        (part('; name="label"', b"x") * 1002 + END, "count exceeded"),  # one name again and again
        (file("1.jpg", b"x").replace(b"form-data", b"attachment") + END, "Wrong type"),
    ],
)  # fmt: skip
def test_what_is_no_form_of_ours_is_refused(body: bytes, detail: str) -> None:
    with pytest.raises(BadInput, match=detail):
        parse_form(TYPE, body, 1)


def test_without_a_boundary_nothing_is_read() -> None:
    with pytest.raises(BadInput, match="boundary"):
        parse_form("multipart/form-data", file("1.jpg", b"x") + END, 1)
