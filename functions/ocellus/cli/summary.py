"""What became of an upload."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Summary:
    """What became of an upload: counts by outcome, new samples by label, faults by file, and how
    many files have arrived and were not filed as long as one cared to wait.
    """

    files: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    rejected: list[dict[str, str]] = field(default_factory=list)
    waiting: int = 0
    new_samples: int | None = None
    threshold: int | None = None
    run: str | None = None
