"""The notebook: every cell works, and what is committed shows the shipped version's figures."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ocellus.verifying import ACCURACY_TOLERANCE

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebook" / "image_classification.ipynb"


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    """The committed notebook's cells."""
    return list(json.loads(NOTEBOOK.read_bytes())["cells"])


def code(cells: list[Any]) -> list[Any]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def text(lines: list[str] | str) -> str:
    return "".join(lines)


def texts(outputs: list[Any]) -> Iterator[str]:
    """All text that the outputs show."""
    for out in outputs:
        yield text(out.get("text", ""))
        yield from (text(x) for kind, x in out.get("data", {}).items() if kind != "image/png")


def shown_by(cells: list[Any], name: str) -> str:
    """Return the text that the cell of that id shows."""
    (cell,) = [cell for cell in cells if cell["id"] == name]
    return "\n".join(texts(cell["outputs"]))


def shows_a_picture(cell: Any) -> bool:
    return any("image/png" in out.get("data", {}) for out in cell.get("outputs", []))


@pytest.mark.timeout(600)
def test_every_cell_works_on_a_small_data_set() -> None:
    command = [sys.executable, str(ROOT / "notebook" / "execute.py"), "--short"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=590)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_committed_notebook_was_executed_from_top_to_bottom(cells: list[Any]) -> None:
    counts = [cell["execution_count"] for cell in code(cells)]
    assert counts == list(range(1, len(counts) + 1))


def test_the_committed_notebook_shows_no_error(cells: list[Any]) -> None:
    for cell in code(cells):
        for out in cell["outputs"]:
            assert out["output_type"] != "error", text(out["traceback"])
            assert out.get("name") != "stderr", text(out["text"])


def test_every_picture_is_followed_by_an_interpretation(cells: list[Any]) -> None:
    pictured = [i for i, cell in enumerate(cells) if shows_a_picture(cell)]
    assert len(pictured) >= 8
    for i in pictured:
        follows = cells[i + 1]
        assert follows["cell_type"] == "markdown", text(cells[i]["source"])
        said = text(follows["source"])
        assert not said.startswith("#"), said
        assert len(re.findall(r"[.?!](?:\s|$)", said)) == 2, said


def test_the_committed_figures_are_the_shipped_versions(cells: list[Any]) -> None:
    (cell,) = [c for c in code(cells) if "metrics" in c["metadata"].get("tags", [])]
    (result,) = [out for out in cell["outputs"] if out["output_type"] == "execute_result"]
    found = ast.literal_eval(text(result["data"]["text/plain"]))
    manifest = json.loads((ROOT / "models" / "v1" / "manifest.json").read_bytes())
    for part in ("holdout", "test"):
        claimed = manifest["metrics"][part]
        macro = pytest.approx(claimed["macro"], abs=ACCURACY_TOLERANCE)
        rest = {k: v for k, v in claimed.items() if k != "macro"}
        assert found[part].pop("macro") == macro
        assert found[part] == pytest.approx(rest, abs=ACCURACY_TOLERANCE)


def test_the_committed_notebook_was_executed_on_the_shipped_versions_data(cells: list[Any]) -> None:
    assert "The data are the very ones" in shown_by(cells, "apart")


def test_the_committed_gate_promotes_the_new_label_and_refuses_wrong_ones(
    cells: list[Any],
) -> None:
    assert "promoted: " in shown_by(cells, "verdict")
    assert "refused: " in shown_by(cells, "wrong")


def test_the_committed_notebook_says_nothing_of_the_machine(cells: list[Any]) -> None:
    shown = "\n".join(x for cell in code(cells) for x in texts(cell["outputs"]))
    assert not re.findall(r"(?:/tmp|/home|/root|/Users|/var|/work)/\S*", shown)
    assert NOTEBOOK.stat().st_size < 3_000_000
