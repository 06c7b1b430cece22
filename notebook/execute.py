"""Execute the notebook: `python notebook/execute.py` writes it anew with its outputs, `--short`
only proves that every cell works, on drawings instead of CIFAR-10.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError

NOTEBOOK = Path(__file__).parent / "image_classification.ipynb"
DATASET, SHORT = "OCELLUS_NOTEBOOK_DATASET", "OCELLUS_NOTEBOOK_SHORT"


class Fault(Exception):
    """What is wrong with a cell, in words."""


def main() -> int:
    """Return 0 if every cell was executed, 1 with the fault on stderr otherwise."""
    parser = argparse.ArgumentParser(
        prog="python notebook/execute.py",
        description=f"Execute the notebook on CIFAR-10, which is downloaded unless {DATASET} names "
        "a folder, zip or tar of it, and write it with its outputs.",
    )
    parser.add_argument(
        "--short", action="store_true", help="on a small data set made on the spot; writes nothing"
    )
    parser.add_argument("--output", type=Path, help="write here instead")
    arguments = parser.parse_args()
    output = arguments.output or (None if arguments.short else NOTEBOOK)
    book = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    try:
        _execute(book, _environment(short=arguments.short))
    except Fault as e:
        print(e, file=sys.stderr)
        return 1
    if output:
        _forget_the_machine(book)
        nbformat.write(book, output)  # type: ignore[no-untyped-call]
        print(f"{output.name}: {output.stat().st_size / 1e6:.1f} MB")
    return 0


def _environment(*, short: bool) -> dict[str, str]:
    environ = {name: x for name, x in os.environ.items() if name != SHORT}
    if short:
        return environ | {SHORT: "1"}
    dataset = Path(environ.get(DATASET, ""))
    # The kernel works in the notebook's folder.
    near = dataset.name and dataset.exists()
    return environ | {DATASET: str(dataset.resolve())} if near else environ


def _execute(book: Any, environ: dict[str, str]) -> None:
    """Execute cell by cell and say how long each took. Raises: Fault."""
    client = NotebookClient(
        book,
        timeout=None,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(NOTEBOOK.parent)}},
        # What libraries write past Python, such as TensorFlow's notes, is no part of the notebook.
        extra_arguments=["--IPKernelApp.capture_fd_output=False", "--IPKernelApp.log_level=40"],
    )
    cells = [(i, cell) for i, cell in enumerate(book.cells) if cell.cell_type == "code"]
    with client.setup_kernel(env=environ):
        for number, (i, cell) in enumerate(cells, 1):
            first = cell.source.partition("\n")[0]
            started = time.monotonic()
            try:
                client.execute_cell(cell, i)
            except (CellExecutionError, DeadKernelError) as e:
                raise Fault(f"Cell {number} of {len(cells)} failed.\n{e}") from e
            took = time.monotonic() - started
            print(f"cell {number}/{len(cells)} {took:5.1f} s  {first[:60]}", flush=True)
            _check(cell, number)


def _check(cell: Any, number: int) -> None:
    """Refuse what a reader should not see: warnings, and where this machine keeps its files."""
    private = {str(NOTEBOOK.parents[1]), str(Path.home()), tempfile.gettempdir()} - {"/"}
    for out in cell.outputs:
        if out.output_type == "stream" and out.name == "stderr":
            raise Fault(f"Cell {number} wrote to stderr:\n{out.text}")
        shown = [out.text] if "text" in out else [x for x in out.data.values() if type(x) is str]
        for line in "\n".join(shown).splitlines():
            if any(path in line for path in private):
                raise Fault(f"Cell {number} shows a path of this machine: {line}")


def _forget_the_machine(book: Any) -> None:
    """Keep only such metadata as every machine writes alike."""
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for cell in book.cells:
        cell.metadata = {k: v for k, v in cell.metadata.items() if k == "tags"}


if __name__ == "__main__":
    sys.exit(main())
