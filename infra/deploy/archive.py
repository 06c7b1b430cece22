"""Make the archive that Cloud Functions runs: one zip, the same bytes for the same sources.

It holds what `main.py` reaches on Google Cloud and the seed model as it is served, so that an
instance answers even if no store does. What only a laptop or the trainer needs stays out. Terraform
names the archive by its hash: the same sources deploy nothing anew.
"""

from __future__ import annotations

import argparse
import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = (
    "Dockerfile",
    "ocellus/cli",
    "ocellus/adapters/embedded",
    "ocellus/py.typed",
    "ocellus/replay.py",
    "ocellus/verifying.py",
)
SEED = "models/v1"
SERVED = ("manifest.json", "model.tflite")
_LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can tell
_PLAIN_FILE = 0o100644 << 16


def entries(root: Path) -> Iterator[tuple[str, Path]]:
    """Give name in the archive and file, sorted by name, of a checkout at `root`."""
    source = root / "functions"
    found = {
        name: path
        for path in source.rglob("*")
        if path.is_file() and not _left_out(name := path.relative_to(source).as_posix())
    }
    found |= {f"{SEED}/{name}": root / SEED / name for name in SERVED}
    yield from sorted(found.items())


def _left_out(name: str) -> bool:
    folders = name.split("/")[:-1]
    return (
        any(name == left or name.startswith(f"{left}/") for left in LEFT_OUT)
        or any(folder == "__pycache__" or folder.endswith(".egg-info") for folder in folders)
        or name.rpartition("/")[2].startswith(".")
    )


def make_archive(root: Path, target: Path) -> None:
    """Write the archive of the checkout at `root` to `target`, whose folder is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as archive:
        for name, path in entries(root):
            info = zipfile.ZipInfo(name, _LONG_AGO)  # stored: no two zlibs compress alike
            info.create_system = 3  # Unix, on whatever it is made
            info.external_attr = _PLAIN_FILE
            archive.writestr(info, path.read_bytes())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("target", type=Path, help="the zip to write")
    target: Path = parser.parse_args().target
    make_archive(ROOT, target)
    data = target.read_bytes()
    print(f"{target}: {len(data) / 1e6:.2f} MB, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()
