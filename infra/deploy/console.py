"""Commands of other programs, run so that a failure ends with what to do about it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Never


@dataclass(frozen=True)
class Answer:
    """What a command printed, without the white space around it."""

    ok: bool
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The line of its errors that says most."""
        lines = [line.strip() for line in self.err.splitlines() if line.strip()]
        return next((line for line in lines if line.startswith("ERROR")), "".join(lines[:1]))


Ask = Callable[..., Answer]
"""`ask("gcloud", "projects", …)` runs a command for its answer."""


def ask(*command: str) -> Answer:
    """Run a command for its answer; one that is not installed has failed."""
    if shutil.which(command[0]) is None:
        return Answer(False, "", f"ERROR: {command[0]} is not installed.")
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return Answer(done.returncode == 0, done.stdout.strip(), done.stderr.strip())


def do(command: Sequence[str], remedy: str, environ: Mapping[str, str] | None = None) -> None:
    """Run a command, its output shown, `environ` on top of this process's. Exits with the remedy
    if it fails.
    """
    try:
        status = subprocess.run(command, env={**os.environ, **(environ or {})}).returncode
    except FileNotFoundError:
        status = 127
    if status:
        give_up(f"`{' '.join(command[:3])} …` failed ({status}).", remedy)


def give_up(problem: str, remedy: str) -> Never:
    """Exit with 1 after saying what is wrong and what to do."""
    print(f"\n{problem}\n  {remedy}", file=sys.stderr)
    sys.exit(1)
