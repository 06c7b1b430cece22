"""Labels: the names of classes, as data."""

from __future__ import annotations

import unicodedata

from ocellus.errors import InvalidLabel

MAX_LABEL_LENGTH = 64
MAX_LABEL_BYTES = 200
"""In UTF-8: a file system takes 255 in a folder's name."""
MAX_CLASSES = 1000
_PUNCTUATION = frozenset(" _-.+&()'")


def parse_label(text: str) -> str:
    """Return the label in NFC with outer spaces removed.

    A label becomes a folder and an object name, so it holds only letters, digits, space and
    `_ - . + & ( ) '`, does not start with a dot, and has 1 to 64 characters.

    Raises: InvalidLabel.
    """
    label = unicodedata.normalize("NFC", text).strip()
    remedy = (
        f"Use 1 to {MAX_LABEL_LENGTH} letters, digits, spaces or _ - . + & ( ) ' "
        "and no dot in front."
    )
    if not label:
        raise InvalidLabel("The label is empty.", remedy)
    size_bytes = len(label.encode())
    if len(label) > MAX_LABEL_LENGTH or size_bytes > MAX_LABEL_BYTES:
        raise InvalidLabel(f"The label has {len(label)} characters, {size_bytes} bytes.", remedy)
    wrong = sorted({c for c in label if not (_is_letter(c) or c in _PUNCTUATION)})
    if wrong or label.startswith("."):
        found = ", ".join(repr(c) for c in wrong) if wrong else "a leading dot"
        raise InvalidLabel(f"The label {label!r} holds {found}.", remedy)
    return label


def _is_letter(character: str) -> bool:
    """Letters, their combining marks and digits, of any script."""
    return unicodedata.category(character)[0] in "LMN"
