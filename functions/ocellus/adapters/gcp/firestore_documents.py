"""Where State lies in Firestore.

| document             | web clients | fields                                                      |
|----------------------|-------------|-------------------------------------------------------------|
| `serving/pointer`    | may read    | the pointer's, `service_since`                              |
| `versions/{version}` | may read    | the version's, `number`                                     |
| `runs/{run}`         | may read    | the run's but `owner`, which names a machine                |
| `public/statistics`  | may read    | what `GET /api/statistics` answers                          |
| `statistics/{shard}` | may not     | `counts`: counter to its sum in this one; `writers`: each   |
|                      |             | instance's name to the `number` of what it added last, `at` |
| `control/runs`       | may not     | `newest`: the greatest number of any run or version;        |
|                      |             | `active`: the active run's number or null; `owner`: its     |
|                      |             | owner or null; `samples_seen`: the newest run's             |
| `samples/{sha256}`   | may not     | the sample's                                                |
| `filed/{shard}`      | may not     | `total`: samples ever filed through this shard              |
| `claims/{hash}`      | may not     | `event`, `claimed_at`, `expire_at`; the hash is the event's |
|                      |             | SHA-256                                                     |
| `audit/{id}`         | may not     | `at`, `actor`, `action`, `detail` as JSON, `expire_at`; ids |
|                      |             | rise in time                                                |

`web/firestore.rules` grants what the table says. Every query needs but the index that Firestore
keeps of each field by itself; `web/firestore.indexes.json` lists the fields that need none, and has
Firestore delete a document within about a day after its `expire_at`.
"""

from __future__ import annotations

import hashlib
import random
import re
import secrets
import time
import zlib
from datetime import UTC, datetime, timedelta

from google.cloud.firestore import Client, CollectionReference, DocumentReference

SHARDS = 10
"""One document takes about one write a second for long; counters are spread over so many."""

CLAIM_KEPT = timedelta(days=7)
"""Events are sent again for a day at the most. What comes later still files no sample twice."""

HISTORY_KEPT = timedelta(days=365)
"""A year's promotions can be accounted for; versions and runs stay."""

_SAMPLE = re.compile("[0-9a-f]{1,64}")


class Documents:
    """References to the documents of one database."""

    def __init__(self, client: Client) -> None:
        self.versions: CollectionReference = client.collection("versions")
        self.runs: CollectionReference = client.collection("runs")
        self.samples: CollectionReference = client.collection("samples")
        self.audit: CollectionReference = client.collection("audit")
        self.pointer: DocumentReference = client.document("serving/pointer")
        self.control: DocumentReference = client.document("control/runs")
        self.public_statistics: DocumentReference = client.document("public/statistics")
        self.statistics = [client.document(f"statistics/{shard}") for shard in range(SHARDS)]
        self.filed = [client.document(f"filed/{shard}") for shard in range(SHARDS)]
        self._claims: CollectionReference = client.collection("claims")

    def version(self, name: str) -> DocumentReference:
        return self.versions.document(name)

    def run(self, number: int) -> DocumentReference:
        return self.runs.document(f"r{number}")

    def sample(self, sha256: str) -> DocumentReference:
        return self.samples.document(sha256)

    def claim(self, event: str) -> DocumentReference:
        return self._claims.document(hashlib.sha256(event.encode()).hexdigest())

    def new_audit_event(self) -> DocumentReference:
        return self.audit.document(f"{time.time_ns():020}-{secrets.token_hex(4)}")


def can_name_a_sample(text: str) -> bool:
    """Say whether a sample's document could have this id; Firestore refuses some texts as ids."""
    return _SAMPLE.fullmatch(text) is not None


def any_of(shards: list[DocumentReference]) -> DocumentReference:
    return random.choice(shards)


def shard_of(shards: list[DocumentReference], writer: str) -> DocumentReference:
    """Return the one shard that the writer always writes to."""
    return shards[zlib.crc32(writer.encode()) % len(shards)]


def expiry(unix_s: float, kept: timedelta) -> datetime:
    """Return when to delete what was written at `unix_s`, as the timestamp that Firestore needs."""
    return datetime.fromtimestamp(unix_s, UTC) + kept
