"""An environment of the distributions that a lock names and of nothing else, without a download."""

from __future__ import annotations

import re
from importlib.metadata import distribution
from pathlib import Path


def link_locked(requirements: Path, site: Path) -> dict[str, str]:
    """Fill `site` with links to the files of each distribution in `requirements`, as installed
    here, and return what lets a Python started with `-S` see the standard library and them alone.

    Raises: AssertionError if one is installed in another version than the lock's.
    """
    for name, pinned in locked(requirements).items():
        installed = distribution(name)
        assert installed.version == pinned, f"{name} is {installed.version} here; run `make test`"
        for file in installed.files or ():
            link = site / file
            if ".." not in file.parts and not link.exists():
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to(file.locate())
    return {"PYTHONPATH": str(site)}


def locked(requirements: Path) -> dict[str, str]:
    """Return the versions that a lock pins, by name."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", requirements.read_text(), re.M))
