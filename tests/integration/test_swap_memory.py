"""Memory over many changes of version: a process of its own, whose pages are counted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from drawings import stripes

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.manifest import blob_name

SEED = Path(__file__).parents[2] / "models" / "v1"
CHANGE_30_TIMES = """
import pathlib, resource, sys
from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.serving import load_classifier

blobs, image = DirectoryBlobs(pathlib.Path(sys.argv[1])), sys.stdin.buffer.read()
for change in range(31):
    classifier = load_classifier(blobs, "v1")  # the one before is dropped
    classifier.classify(image)
    if change % 10 == 0:
        pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
        print(pages * resource.getpagesize() // 1024 // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_is_as_large_after_30_changes_as_before(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    for name in ("manifest.json", "model.tflite"):
        blobs.put(blob_name("v1", name), (SEED / name).read_bytes())
    output = subprocess.run(
        [sys.executable, "-c", CHANGE_30_TIMES, str(tmp_path)],
        check=True,
        input=stripes(1),
        capture_output=True,
    ).stdout
    first_mb, *later_mb = map(int, output.split())
    assert max(later_mb) - first_mb < 8
