"""How long from a function process's start to its first correct answer?

Three of them take turns, each started by functions-framework as deployed and asked again and again
until it answers: `predict` on the embedded back end, `predict` with Google's clients on the
emulators, and a function that loads the same model by TensorFlow. The files are in the page cache.

    python loadtest/cold_start.py [--rounds 5]

Needs the Firestore emulator (FIRESTORE_EMULATOR_JAR, or the Google Cloud SDK's) and Java.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx
from stages import photograph
from throughput import HERE, ROOT, SEED, framework

sys.path.insert(0, str(ROOT / "tests"))

from emulators.firestore import FirestoreEmulator
from emulators.storage import StorageEmulator
from seeded import seeded


def first_answer_s(source: Path, environ: Mapping[str, str], image: bytes, label: str) -> float:
    """Return the seconds from the process's start until it answers with the label."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [part.replace("PORT", port) for part in framework(source, "--asgi")]
    url = f"http://127.0.0.1:{port}/api/predict"
    began = time.perf_counter()
    process = subprocess.Popen(command, env={**os.environ, **environ}, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - began < 120:
            try:
                answer = httpx.post(url, content=image, timeout=60)
            except httpx.TransportError:
                time.sleep(0.01)
                continue
            took_s = time.perf_counter() - began
            assert answer.json()["label"] == label, answer.text
            return took_s
        raise AssertionError(f"{source} has not answered")
    finally:
        process.terminate()
        process.wait(30)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    image, ours = photograph(32, 32), ROOT / "functions" / "main.py"
    firestore, storage = FirestoreEmulator(), StorageEmulator()
    os.environ["FIRESTORE_EMULATOR_HOST"] = firestore.host
    os.environ["STORAGE_EMULATOR_HOST"] = storage.url
    try:
        with tempfile.TemporaryDirectory() as data:
            embedded = {"OCELLUS_BACKEND": "embedded", "OCELLUS_DATA_DIR": data}
            starts = {
                "embedded": (ours, embedded),
                "Google's clients, on emulators": (
                    ours,
                    seeded("cold-start", storage.new_bucket(), SEED),
                ),
                "TensorFlow": (HERE / "tensorflow_predict.py", {}),
            }
            label = known_label(image)
            found: dict[str, list[float]] = {name: [] for name in starts}
            for start in starts.values():
                first_answer_s(*start, image, label)  # fills the page cache, and the data folder
            for _ in range(given.rounds):
                for name, start in starts.items():
                    found[name].append(first_answer_s(*start, image, label))
    finally:
        storage.stop()
        firestore.stop()
    print("| | median, s | min–max | TensorFlow's ÷ this |\n|---|---:|---:|---:|")
    for name, times in found.items():
        ratio = statistics.median(a / b for a, b in zip(found["TensorFlow"], times, strict=True))
        spread = f"{min(times):.2f}–{max(times):.2f}"
        print(f"| {name} | {statistics.median(times):.2f} | {spread} | {ratio:.1f} |")


def known_label(image: bytes) -> str:
    """Return the seed model's answer, found in this process."""
    os.environ["OCELLUS_SEED_DIR"] = str(SEED)
    from same_model import predict

    return str(predict(image)["label"])


if __name__ == "__main__":
    main()
