"""How many Firestore documents does one instance write, for each prediction it answers?

One `predict` function, started as in deployment, serves the seed model on the emulators and is
asked at a steady rate. A proxy in front of Firestore counts every document written.

    python loadtest/writes_per_prediction.py [--per-second 100] [--seconds 60]

Needs the Firestore emulator (FIRESTORE_EMULATOR_JAR, or the Google Cloud SDK's) and Java.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import load  # noqa: E402
from deployed import deployed  # noqa: E402
from drawings import stripes  # noqa: E402
from emulators.firestore import FirestoreEmulator  # noqa: E402
from emulators.firestore_proxy import FirestoreProxy  # noqa: E402
from emulators.storage import StorageEmulator  # noqa: E402
from seeded import seeded  # noqa: E402

from ocellus.adapters.gcp.firestore_state import FirestoreState  # noqa: E402


class Pace:
    """Lets one connection go on at so many turns a second, for so many turns."""

    def __init__(self, per_s: float, turns: int) -> None:
        self._period_s, self._left = 1 / per_s, turns
        self._next = time.perf_counter()

    def __call__(self) -> bool:
        time.sleep(max(self._next - time.perf_counter(), 0.0))
        self._next += self._period_s
        self._left -= 1
        return self._left >= 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--per-second", type=float, default=100.0, help="predictions")
    parser.add_argument("--seconds", type=float, default=60.0, help="of load")
    arguments = parser.parse_args()
    firestore, storage = FirestoreEmulator(), StorageEmulator()
    os.environ["FIRESTORE_EMULATOR_HOST"] = firestore.host
    os.environ["STORAGE_EMULATOR_HOST"] = storage.url
    proxy = FirestoreProxy(firestore.host)
    try:
        environ = seeded("writes", storage.new_bucket(), ROOT / "models" / "v1")
        environ["FIRESTORE_EMULATOR_HOST"] = proxy.host
        with (
            tempfile.TemporaryDirectory() as folder,
            deployed("predict", environ, Path(folder) / "log", "http") as url,
        ):
            turns = round(arguments.per_second * arguments.seconds)
            began = time.perf_counter()
            answers = load.predict([url], stripes(1), 1, Pace(arguments.per_second, turns))
            took_s = time.perf_counter() - began
        with closing(FirestoreState("writes")) as state:
            counted = state.statistics().predictions
        writes = Counter(path.partition("/")[0] for path in proxy.writes)
        print(f"{answers.count} predictions at {answers.count / took_s:.0f}/s, counted {counted}")
        print(f"{dict(writes)}: {writes.total() / answers.count:.4f} writes a prediction")
    finally:
        proxy.stop()
        storage.stop()
        firestore.stop()


if __name__ == "__main__":
    main()
