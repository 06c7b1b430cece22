"""What a 12-megapixel photograph costs: milliseconds, and memory above a small image's.

Each kind of JPEG is classified in a fresh process, which has answered a small image before; the
memory is the rise of the process's peak. `20 at once` are 20 requests to one function process as
deployed, in which a semaphore lets two be decoded together.

    python loadtest/large_photographs.py
"""

from __future__ import annotations

import io
import multiprocessing
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from PIL import Image
from stages import photograph
from throughput import SEED, framework, started

from ocellus.manifest import Manifest
from ocellus.prediction import Classifier
from ocellus.runtime import SERVED

ROOT = Path(__file__).parents[1]


def peak_mb(pid: int | str = "self") -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def classify(image: bytes) -> tuple[float, float, float]:
    """Return wall ms and CPU ms, medians of 5, and the rise of the peak in MB."""
    manifest = Manifest.from_json((SEED / "manifest.json").read_bytes())
    classifier = Classifier(manifest, (SEED / SERVED).read_bytes())
    classifier.classify(photograph(32, 32))
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    before, wall, cpu = peak_mb(), [], []
    for _ in range(5):
        began, used = time.perf_counter(), time.process_time()
        classifier.classify(image)
        wall.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
    return statistics.median(wall), statistics.median(cpu), peak_mb() - before


def kinds() -> dict[str, bytes]:
    plain = photograph(4000, 3000)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(plain)) as image:

        def saved(**options: object) -> bytes:
            file = io.BytesIO()
            image.save(file, "JPEG", quality=85, **options)
            return file.getvalue()

        return {
            "baseline": plain,
            "turned by EXIF": saved(exif=exif),
            "progressive, 4:2:0": saved(progressive=True, subsampling="4:2:0"),
            "progressive, 4:4:4": saved(progressive=True, subsampling="4:4:4"),
        }


def at_once(image: bytes, requests: int) -> float:
    """Return the rise of a function process's peak memory, in MB, through many requests at once."""
    command = framework(ROOT / "functions" / "main.py", "--asgi")
    with tempfile.TemporaryDirectory() as data:
        environ = {"WORKERS": "1", "OCELLUS_DATA_DIR": data}
        with started(command, environ, photograph(32, 32)) as (pid, url):
            found = subprocess.run(
                ["pgrep", "-P", str(pid)], check=True, capture_output=True, text=True
            )
            worker = found.stdout.split()[0]
            before = peak_mb(worker)
            with ThreadPoolExecutor(requests) as pool:
                answers = list(
                    pool.map(lambda _: httpx.post(url, content=image, timeout=60), range(requests))
                )
            assert {a.status_code for a in answers} == {200}
            return peak_mb(worker) - before


def main() -> None:
    print("| 4000 x 3000 | MB | ms | CPU-ms | memory, MB | 20 at once, memory, MB |")
    print("|---|" + "---:|" * 5)
    for name, image in kinds().items():
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            wall_ms, cpu_ms, rise = pool.apply(classify, (image,))
        size = len(image) / 1e6
        print(f"| {name} | {size:.1f} | {wall_ms:.0f} | {cpu_ms:.0f} | {rise:.0f} ", end="")
        print(f"| {at_once(image, 20):.0f} |")


if __name__ == "__main__":
    main()
