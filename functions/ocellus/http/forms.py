"""Multipart forms, taken apart in memory: their bodies are bounded, and mostly one small file."""

from __future__ import annotations

from dataclasses import dataclass, field

from multipart import MultipartSegment, PushMultipartParser, parse_options_header

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
    form, content = Form(), b""
    try:
        boundary = parse_options_header(content_type)[1].get("boundary", "")
        with PushMultipartParser(boundary, max_segment_count=max_files + MAX_FIELDS) as parser:
            for event in parser.parse(body):
                if isinstance(event, MultipartSegment):
                    part, content = event, b""
                elif event is not None:
                    content = event  # all of it, for the body is whole
                else:
                    _take(form, part, content)
                    if len(form.files) > max_files or len(form.fields) > MAX_FIELDS:
                        raise ValueError(
                            f"it has more than {max_files} files or {MAX_FIELDS} fields"
                        )
    except ValueError as e:  # of the parser's errors, too
        raise BadInput(
            f"The multipart body cannot be parsed: {e}.",
            "Send multipart/form-data with a boundary and files named `file`.",
        ) from e
    return form


def _take(form: Form, part: MultipartSegment, content: bytes) -> None:
    """Put a part into the form. Raises: ValueError."""
    if not part.name:
        raise ValueError("a part's Content-Disposition has no name")
    if part.filename is not None:
        form.files.append((part.filename or part.name, content))
    elif len(content) > MAX_FIELD_BYTES:
        raise ValueError(f"the field {part.name[:100]} has more than {MAX_FIELD_BYTES} bytes")
    else:
        form.fields[part.name] = content.decode()
