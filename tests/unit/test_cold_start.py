"""What a function must not load before it answers."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys
import ocellus.bootstrap
for name, module in sys.modules.items():
    if name.split(".")[0] in ("google", "grpc") and getattr(module, "__file__", None):
        print(name)
"""


def test_the_embedded_back_end_loads_no_google_library() -> None:
    found = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, check=True)
    assert found.stdout == b""
