"""The statistics that are shown: counters summed up, latencies as quantiles of a histogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

GAMMA = 1.1
"""Ratio of neighbouring latency buckets: a quantile is right to 5 %.

Source: Masson, Rim, Lee, "DDSketch", VLDB 2019, section 2.1: bucket i holds GAMMA**(i-1) < x <=
GAMMA**i, and sketches merge by adding counts.
"""


@dataclass(frozen=True)
class Statistics:
    """What all instances counted. Latencies by `p50`, `p95`, `p99`, None without any prediction."""

    predictions: int
    unsure: int
    refused: int
    by_label: dict[str, int]
    by_version: dict[str, int]
    latency_ms: dict[str, float | None]
    updated_at: float | None
    """When the counters were summed, in Unix seconds; None before that."""

    def counts_as(self, other: Statistics) -> bool:
        """Say whether both sums are the same, whenever they were made."""
        return self == replace(other, updated_at=self.updated_at)


def summarise(counts: Mapping[str, int], now: float | None) -> Statistics:
    """Turn State's counters, as they are `now`, into what is shown."""

    def group(prefix: str) -> dict[str, int]:
        return {k[len(prefix) :]: n for k, n in sorted(counts.items()) if k.startswith(prefix)}

    latency = {int(k): n for k, n in group("latency:").items()}
    return Statistics(
        predictions=counts.get("predictions", 0),
        unsure=counts.get("unsure", 0),
        refused=counts.get("refused", 0),
        by_label=group("label:"),
        by_version=group("version:"),
        latency_ms={f"p{p}": quantile(latency, p / 100) for p in (50, 95, 99)},
        updated_at=now,
    )


def bucket_of(latency_ms: float) -> int:
    return math.ceil(math.log(max(latency_ms, 1e-3)) / math.log(GAMMA))


def quantile(buckets: Mapping[int, int], q: float) -> float | None:
    """Return the latency in ms under which a share `q` of the counts lies; None without counts."""
    rank = q * sum(buckets.values())
    for bucket in sorted(buckets):
        rank -= buckets[bucket]
        if rank <= 0:
            return round(2 * GAMMA**bucket / (1 + GAMMA), 3)
    return None
