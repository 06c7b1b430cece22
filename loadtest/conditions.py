"""Under which conditions something was measured."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path


def conditions() -> str:
    """Return one sentence: date, machine, Python, the code's revision, other load at this time."""
    cpuinfo = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names = {line.partition(": ")[2] for line in cpuinfo.splitlines() if "model name" in line}
    revision = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=Path(__file__).parent,
        capture_output=True, text=True, check=False,
    ).stdout.strip()  # fmt: skip
    return (
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, revision {revision or 'unknown'}, "
        f"{os.cpu_count()} cores of {', '.join(sorted(names)) or platform.machine()}, "
        f"Python {platform.python_version()}; load average before: {os.getloadavg()[0]:.1f}"
    )
