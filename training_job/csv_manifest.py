"""CSV manifests: a table `path,label[,split]` that names a data set's images."""

from __future__ import annotations

import csv
import io
import posixpath
import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ocellus.errors import InvalidArchive, InvalidLabel
from ocellus.labels import parse_label
from ocellus.samples import HOLDOUT, TEST, TRAIN

_SPLITS = {"train": TRAIN, "holdout": HOLDOUT, "test": TEST}
_SHOWN = 5
_REMEDY = (
    "Begin it with the line path,label or path,label,split; paths count from the CSV file's "
    "folder, splits are train, holdout or test."
)


@dataclass(frozen=True)
class Line:
    """One image: where it lies from the root of the data set, its label, and its split or None
    where the content decides.
    """

    path: str
    label: str
    split: int | None


def may_be_manifest(name: str) -> bool:
    """Whether a file's place allows it to be the manifest: at the root, or one folder down."""
    return name.lower().endswith(".csv") and len(PurePosixPath(name).parts) <= 2


def is_manifest(data: bytes) -> bool:
    """Whether a CSV's first line names the columns path and label."""
    return {"path", "label"} <= set(
        _columns(data.partition(b"\n")[0].decode("utf-8-sig", "replace"))
    )


def read_manifest(data: bytes, name: str) -> list[Line]:
    """Parse a manifest that lies at `name` in its data set.

    The first line names the columns, in any order; others than path, label and split are passed
    over. A row without a split, or `train` where no row says `holdout`, is split by its content.

    Raises: InvalidArchive, naming the faulty lines.
    """
    if not is_manifest(data):
        raise InvalidArchive(f"{name} does not begin with its columns path and label.", _REMEDY)
    reader = csv.reader(io.StringIO(_text(data, name), newline=""), strict=True)
    columns = _columns(",".join(next(reader)))
    lines: dict[str, Line] = {}
    faults: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            try:
                line = _line(columns, cells, posixpath.dirname(name))
                if line.path in lines:
                    raise ValueError(f"{line.path!r} is listed twice")
                lines[line.path] = line
            except ValueError as e:
                faults.append(f"line {reader.line_num}: {e}")
    except csv.Error as e:
        faults.append(f"line {reader.line_num}: {e}")
    if faults:
        more = f"; and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise InvalidArchive(f"{name}: {'; '.join(faults[:_SHOWN])}{more}.", _REMEDY)
    if any(line.split == HOLDOUT for line in lines.values()):
        return list(lines.values())
    return [replace(x, split=None) if x.split == TRAIN else x for x in lines.values()]


def _columns(first_line: str) -> list[str]:
    return [cell.strip().strip('"').lower() for cell in first_line.split(",")]


def _line(columns: list[str], cells: list[str], folder: str) -> Line:
    """Raises: ValueError, saying what is wrong."""
    if len(cells) != len(columns):
        raise ValueError(f"{len(cells)} cells where the first line has {len(columns)}")
    row = {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    path = PurePosixPath(row["path"].replace("\\", "/"))
    if not row["path"]:
        raise ValueError("the path is empty")
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", row["path"]):
        raise ValueError(f"the path {row['path']!r} leads out of the CSV file's folder")
    split = row.get("split", "").lower()
    if split and split not in _SPLITS:
        raise ValueError(f"the split {row['split']!r} is none of train, holdout, test")
    try:
        label = parse_label(row["label"])
    except InvalidLabel as e:
        raise ValueError(e.detail.rstrip(".")) from e
    return Line(posixpath.join(folder, str(path)), label, _SPLITS.get(split))


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        raise InvalidArchive(
            f"{name} is not UTF-8: byte {data[e.start]:#04x} on line {line}.",
            "Save it as CSV UTF-8.",
        ) from e
