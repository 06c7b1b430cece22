"""The table of `firestore_documents` as data, for the tests that hold rules and indexes to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ocellus.adapters.gcp import firestore_documents

WEB = Path(__file__).parents[1] / "web"
_ROW = re.compile(
    r"^\| `(?P<collection>\w+)/\S+ +\| may (?P<may>read|not) +\| (?P<fields>.*)\|\n"
    r"(?P<more>(?:\| +\| +\|.*\|\n)*)",
    re.M,
)


@dataclass(frozen=True)
class Row:
    """What the table says of a collection's documents; `fields` is text."""

    public: bool
    fields: str


TABLE = {
    row["collection"]: Row(row["may"] == "read", row["fields"] + row["more"])
    for row in _ROW.finditer(firestore_documents.__doc__ or "")
}
