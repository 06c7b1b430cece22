"""Following a run."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ocellus.cli.client import Server
from ocellus.cli.training import describe, follow
from ocellus.errors import NotFound

PROGRESS = {
    "phase": "train",
    "epoch": 3,
    "epochs": 16,
    "step": 1,
    "steps": 9,
    "loss": 0.6123,
    "accuracy": 0.831,
    "images_per_s": 1812.4,
    "seconds_left": 80.0,
}
UNKNOWN = dict.fromkeys(("loss", "accuracy", "images_per_s", "seconds_left"))


def run(status: str, run_id: str = "r1", **more: Any) -> dict[str, Any]:
    return {"id": run_id, "status": status, "progress": None, "message": "", **more}


class FakeServer:
    """Answers with each newest run in turn, and lists every run at its end."""

    def __init__(self, *newest: dict[str, Any] | None, runs: list[dict[str, Any]]) -> None:
        self._newest, self._runs = list(newest), runs

    def get(self, path: str, **query: Any) -> Any:
        return {"run": self._newest.pop(0)} if path.endswith("status") else {"runs": self._runs}


def followed(*newest: dict[str, Any] | None, runs: list[dict[str, Any]] | None = None) -> Any:
    server = cast(Server, FakeServer(*newest, runs=runs or []))
    return follow(server, "r1", sleep=lambda s: None)


def test_a_run_is_followed_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    running = run("running", progress=PROGRESS)
    ended = followed(run("queued"), running, run("refused", message="refused: no."))
    assert (ended["status"], ended["message"]) == ("refused", "refused: no.")
    assert "waiting for its trainer" in capsys.readouterr().err


def test_a_run_is_found_behind_the_next_one() -> None:
    later = run("queued", "r2")
    assert followed(later, runs=[later, run("promoted")])["status"] == "promoted"


def test_a_run_that_is_gone_is_told() -> None:
    with pytest.raises(NotFound, match="no run r1"):
        followed(None)


def test_progress_is_described_with_what_is_known() -> None:
    assert describe(run("running", progress=PROGRESS)) == (
        "r1 running: train, epoch 3/16, loss 0.612, accuracy 83.1%, 1,812 images/s, 1 min 20 s left"
    )
    bare = PROGRESS | {"phase": "export", "epochs": 0} | UNKNOWN
    assert describe(run("running", progress=bare)) == "r1 running: export"
