"""Does a prediction fail, or wait, while Firestore and Cloud Storage are gone for a minute?

Two `predict` functions, started as in deployment, serve the seed model on the emulators and are
asked without a pause. In the middle the stores are lost, in two ways: silent (they take requests
and answer nothing) and cut off (they refuse connections). Printed for each: what the callers saw
before, during and after; how long after the return until both instances were well; and whether the
statistics, at the end, count every answer exactly once.

    python loadtest/store_outage.py [--outage 60] [--connections 8]

Needs the Firestore emulator (FIRESTORE_EMULATOR_JAR, or the Google Cloud SDK's) and Java.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import load  # noqa: E402
from deployed import deployed  # noqa: E402
from drawings import stripes  # noqa: E402
from emulators.firestore import FirestoreEmulator  # noqa: E402
from emulators.relay import Relay  # noqa: E402
from emulators.storage import StorageEmulator  # noqa: E402
from seeded import seeded  # noqa: E402

from ocellus.adapters.gcp.firestore_state import FirestoreState  # noqa: E402

STEADY_S = 10.0
SEED = ROOT / "models" / "v1"


@dataclass(frozen=True)
class Stores:
    """The emulators, and the addresses behind which they can be lost."""

    firestore: FirestoreEmulator
    storage: StorageEmulator
    relays: tuple[Relay, Relay]

    def environ(self, project: str) -> dict[str, str]:
        """Put the seed in service in a new project; return what its functions need."""
        os.environ["FIRESTORE_EMULATOR_HOST"] = self.firestore.host
        os.environ["STORAGE_EMULATOR_HOST"] = self.storage.url
        return seeded(project, self.storage.new_bucket(), SEED) | {
            "FIRESTORE_EMULATOR_HOST": self.relays[0].address,
            "STORAGE_EMULATOR_HOST": f"http://{self.relays[1].address}",
        }


class Watch:
    """Both instances' health, as a caller sees it."""

    def __init__(self, urls: list[str]) -> None:
        self._client, self._urls = httpx.Client(timeout=30), urls
        self.slowest_s = 0.0

    def look(self) -> list[dict[str, Any]]:
        found = []
        for url in self._urls:
            began = time.perf_counter()
            found.append(self._client.get(f"{url}/api/health").json())
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        return found

    def until_well(self) -> float:
        """Return how many seconds it took until nothing is stale and nothing waits for long."""
        began = time.perf_counter()
        while any(h["status"] != "ok" for h in self.look()):
            time.sleep(0.1)
        return time.perf_counter() - began


def lose(stores: Stores, how: str, outage_s: float, connections: int, folder: Path) -> None:
    project = f"outage-{uuid4().hex[:8]}"
    environ = stores.environ(project)
    enough, answers = threading.Event(), load.Answers()
    with ExitStack() as stack:
        urls = [
            stack.enter_context(deployed("predict", environ, folder / f"{project}.{n}", "http"))
            for n in (1, 2)
        ]
        arguments = (urls, stripes(1), connections, lambda: not enough.is_set(), answers)
        loader = threading.Thread(target=load.predict, args=arguments)
        loader.start()
        watch = Watch(urls)
        watch.until_well()
        time.sleep(STEADY_S)
        marks = [answers.count]
        for relay in stores.relays:
            relay.silence() if how == "silent" else relay.cut()
        lost_until = time.perf_counter() + outage_s
        while time.perf_counter() < lost_until:
            health = watch.look()
            time.sleep(1.0)
        marks.append(answers.count)
        for relay in stores.relays:
            relay.restore()
        well_after_s = watch.until_well()
        time.sleep(STEADY_S)
        enough.set()
        loader.join()
        marks.append(answers.count)
    with closing(FirestoreState(project)) as state:
        counted, published = state.counts()["predictions"], state.statistics().predictions
    failed = answers.count - answers.statuses[200]
    print(f"\n{how} for {outage_s:.0f} s: {answers.count} predictions, {failed} failed")
    for name, start, end in zip(("before", "during", "after"), [0, *marks], marks, strict=False):
        p50, p99, most = np.quantile(answers.took_s[start:end], [0.5, 0.99, 1.0]) * 1e3
        print(f"  {name:6} {end - start:6}  p50 {p50:.1f}  p99 {p99:.1f}  slowest {most:.0f} ms")
    print(f"  health of the first instance, last of the outage: {json.dumps(health[0], indent=4)}")
    print(f"  slowest answer of health: {watch.slowest_s:.2f} s")
    print(f"  both instances well {well_after_s:.1f} s after the stores were back")
    print(f"  counted {counted}, published {published}, answered {answers.count}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--outage", type=float, default=60.0, help="seconds without the stores")
    parser.add_argument("--connections", type=int, default=8, help="that ask all the time")
    arguments = parser.parse_args()
    firestore, storage = FirestoreEmulator(), StorageEmulator()
    relays = (Relay(firestore.host), Relay(storage.url.removeprefix("http://")))
    try:
        with tempfile.TemporaryDirectory() as folder:
            for how in ("silent", "cut off"):
                lose(
                    Stores(firestore, storage, relays),
                    how, arguments.outage, arguments.connections, Path(folder),
                )  # fmt: skip
    finally:
        for relay in relays:
            relay.stop()
        storage.stop()
        firestore.stop()


if __name__ == "__main__":
    main()
