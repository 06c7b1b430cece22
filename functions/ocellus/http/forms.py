"""Multipart forms, taken apart by python-multipart's parser.

Starlette's wrapping of the same parser is for forms larger than memory: a file object for each
part, asynchronous and spooled. Ours are bounded, and mostly one small file.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from ocellus.errors import BadInput

MAX_FIELDS = 1000
MAX_FIELD_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Form:
    """A multipart body: the files as (name, bytes), in order, and the text fields."""

    files: list[tuple[str, bytes]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def parse_form(content_type: str, body: bytes, max_files: int) -> Form:
    """Take a multipart body apart. Raises: BadInput."""
    try:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise ValueError("Content-Type names no boundary")
        parts = _Parts(max_files)
        MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_field,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_part_data": parts.data,
                "on_part_end": parts.end,
                "on_end": parts.end_all,
            },
        ).write(body)
        if not parts.whole:
            raise ValueError("it ends before its last boundary")
    except (MultipartParseError, ValueError) as e:
        raise BadInput(
            f"The multipart body cannot be parsed: {e}.",
            "Send multipart/form-data with a boundary and files named `file`.",
        ) from e
    return parts.form


class _Parts:
    """Makes a form of what the parser finds."""

    def __init__(self, max_files: int) -> None:
        self.form, self.whole = Form(), False
        self._max_files = max_files
        self.begin()

    def begin(self) -> None:
        self._name, self._value, self._disposition = b"", b"", b""
        self._data: list[bytes] = []

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def end(self) -> None:
        options = parse_options_header(self._disposition)[1]
        if b"name" not in options:
            raise ValueError("a part's Content-Disposition has no name")
        name, content = _text(options[b"name"]), b"".join(self._data)
        if b"filename" in options:
            self.form.files.append((_text(options[b"filename"]) or name, content))
        elif len(content) > MAX_FIELD_BYTES:
            raise ValueError(f"the field {name[:100]} has more than {MAX_FIELD_BYTES} bytes")
        else:
            self.form.fields[name] = _text(content)
        if len(self.form.files) > self._max_files or len(self.form.fields) > MAX_FIELDS:
            raise ValueError(f"it has more than {self._max_files} files or {MAX_FIELDS} fields")

    def end_all(self) -> None:
        self.whole = True


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
