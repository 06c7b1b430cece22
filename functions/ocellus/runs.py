"""Runs: one training each, from the request to the verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from ocellus.errors import NotFound

Options = Mapping[str, int | str]

_RUN_ID = re.compile(r"r[1-9][0-9]{0,8}")


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PROMOTED = "promoted"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        return self in (RunStatus.QUEUED, RunStatus.RUNNING)


class Mode(StrEnum):
    """How a run trains. AUTO lets the trainer choose and say why."""

    AUTO = "auto"
    QUICK = "quick"
    FULL = "full"


@dataclass(frozen=True)
class Progress:
    """Where a run is. Loss and accuracy are the latest on training data; rates per second."""

    phase: str
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    steps: int = 0
    loss: float | None = None
    accuracy: float | None = None
    steps_per_s: float | None = None
    images_per_s: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True)
class Run:
    """A run. The version it makes bears its number, so a number never repeats.

    `lease_until` (Unix seconds) is when the run may be taken over unless its owner renews it.
    `samples_seen` is how many samples had been filed when it took its snapshot: samples filed
    after that count towards the next run. `dataset` is the blob of the data set to train on from
    nothing; without one the run starts from its parent. `options` are what the requester chose of
    the trainer's options by name, for every trainer that takes the run.
    """

    number: int
    trigger: str
    mode: Mode
    include_set_aside: bool
    status: RunStatus
    requested_by: str
    created_at: float
    attempt: int
    owner: str | None
    lease_until: float
    samples_seen: int
    dataset: str | None = None
    options: Options = field(default_factory=dict)
    parent: str | None = None
    progress: Progress | None = None
    finished_at: float | None = None
    message: str = ""

    @property
    def id(self) -> str:
        return f"r{self.number}"

    @property
    def version(self) -> str:
        return f"v{self.number}"


def parse_run_id(text: str) -> int:
    """Return the number in a run id (`r7` gives 7). Raises: NotFound."""
    if not _RUN_ID.fullmatch(text):
        raise NotFound(
            f"{text[:80]!r} is not a run id.", "Name one like r3; GET /api/runs lists them."
        )
    return int(text[1:])
