"""Names of blobs: one rule for every adapter."""

from __future__ import annotations


def is_blob_name(text: str) -> bool:
    """Say whether the text is a relative path of `/`-separated parts, none of them empty, `.` or
    `..`, that does not start with a dot and holds no NUL.
    """
    parts = text.split("/")
    return not (text.startswith(".") or "\0" in text or any(p in ("", ".", "..") for p in parts))


def parse_blob_name(text: str) -> str:
    """Return the name. Raises: ValueError."""
    if not is_blob_name(text):
        raise ValueError(f"{text[:80]!r} is no blob name; one looks like 'models/v1/report.json'")
    return text
