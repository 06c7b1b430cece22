"""What a month costs, by the measured CPU time and the prices in `prices.json`.

A month of so many predictions, which come in eight hours of each day, is played by the capacity
model (loadtest/autoscaling.py), so that requests which overlap share what they are billed. Beside
it go a page that is open, runs, deployments, and what lies there while nobody comes.

    python loadtest/cost.py                  # the tables of docs/money.md
    python loadtest/cost.py 250000           # a month of so many predictions
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from autoscaling import Platform, Service, simulate

HERE = Path(__file__).parent
VOLUMES = (0, 1_000, 1_000_000, 100_000_000)
DAYS, HOURS_A_DAY = 30, 8
GIB = 1024**3
SAMPLED = 50_000
"""Requests that are played; the rest of the month is like them."""


@dataclass(frozen=True)
class Deployment:
    """What is deployed by default (infra/variables*.tf), and how it is used, beside predicting."""

    cpu: float = 1
    gib: float = 1
    concurrency: int = 80
    most: int = 20
    idle_s: float = 900
    """After which the platform ends an instance."""
    refresh_s: float = 2
    cold_start_s: float = 1.6
    """With the cloud clients: billed as part of the request that waits for it."""
    ticks: int = DAYS * 24 * 12
    tick_s: float = 0.3
    tick_cpu: float = 0.333
    tick_gib: float = 0.5
    tick_reads: int = 24
    flush_reads: int = 12
    """One shard, the published sums, ten shards summed up."""
    answer_bytes: int = 1_200
    log_bytes: int = 1_000
    """Cloud Run writes an entry a request."""
    stored_gib: float = 0.5
    image_gib: float = 2.5
    page_hours: int = 20
    page_reads_an_hour: int = 24_000
    """Mostly the samples, of which there are 2,000 here: each is read to count them, every five
    minutes. The statistics come at most once a flush of 3 s.
    """
    page_mib: float = 60
    quick_runs: int = 4
    full_runs: int = 1
    quick_s: int = 180
    full_s: int = 3_600
    run_cpu: int = 4
    run_gib: int = 8
    deployments: int = 2
    build_minutes: int = 30
    alerts: int = 6


Usage = dict[str, float]
"""Amounts by the names that `prices.json` has."""


def used(predictions: int, inputs: dict[str, Any], d: Deployment) -> dict[str, Usage]:
    """Return what a month uses, by what it is used for. Without predictions nobody comes at all."""
    use: dict[str, Usage] = {
        "predicting": _predicting(predictions, inputs, d),
        "ticks": {
            "request": d.ticks,
            "vcpu_second": d.ticks * d.tick_s * d.tick_cpu,
            "gib_second": d.ticks * d.tick_s * d.tick_gib,
            "document_read": d.ticks * d.tick_reads,
            "scheduler_job_month": 1,
            "log_gib": d.ticks * d.log_bytes / GIB,
        },
        "models, samples, images": {
            "storage_gib_month": d.stored_gib,
            "registry_gib_month": d.image_gib,
            "secret_version_month": 1,
        },
    }
    if predictions:
        run_s = d.quick_runs * d.quick_s + d.full_runs * d.full_s
        use |= {
            "an open page": {
                "document_read": d.page_hours * d.page_reads_an_hour,
                "request": d.page_hours * 100,
                "vcpu_second": d.page_hours * 100 * 0.2,
                "gib_second": d.page_hours * 100 * 0.2,
                "hosting_gib": d.page_mib / 1024,
            },
            "training": {
                "job_vcpu_second": run_s * d.run_cpu,
                "job_gib_second": run_s * d.run_gib,
                "storage_write": (d.quick_runs + d.full_runs) * 30,
                "document_write": run_s / 2,
            },
            "deployments": {"build_minute": d.deployments * d.build_minutes},
        }
    return use


def _predicting(predictions: int, inputs: dict[str, Any], d: Deployment) -> Usage:
    if not predictions:
        return {}
    rng = np.random.default_rng(1)
    service = Service(inputs["service_ms"], inputs["rested_ms"], 0.0, d.concurrency)
    mean_gap_s = DAYS * HOURS_A_DAY * 3600 / predictions
    gaps_s = rng.exponential(mean_gap_s, min(predictions, SAMPLED))
    more = predictions / len(gaps_s)
    # Long gaps are played shorter: after a pause of some seconds nothing depends on its length.
    at_s = np.cumsum(np.minimum(gaps_s, 2 * service.flush_s))
    outcome = simulate(at_s, service, Platform(most=d.most, least=1), rng)
    assert not outcome.refused
    cold_s = float(np.count_nonzero(gaps_s > d.idle_s)) * d.cold_start_s
    billed_s = (outcome.billed_s + cold_s) * more
    looks = min(predictions, outcome.instances * DAYS * HOURS_A_DAY * 3600 / d.refresh_s)
    flushes = outcome.writes * more / service.writes_a_flush
    return {
        "request": predictions,
        "vcpu_second": billed_s * d.cpu,
        "gib_second": billed_s * d.gib,
        "document_read": looks + flushes * d.flush_reads,
        "document_write": outcome.writes * more,
        "egress_gib": predictions * d.answer_bytes / GIB,
        "log_gib": predictions * d.log_bytes / GIB,
    }


def total(use: dict[str, Usage]) -> Usage:
    names = {name for amounts in use.values() for name in amounts}
    return {name: sum(amounts.get(name, 0.0) for amounts in use.values()) for name in names}


def usd(amounts: Usage, prices: dict[str, Any], *, free: bool) -> float:
    """Return what it costs, with what is free in a month taken off or not."""
    costs: list[float] = [
        max(amount - (prices["free_a_month"].get(name, 0) if free else 0), 0) * prices["usd"][name]
        for name, amount in amounts.items()
    ]
    return sum(costs)


def flood(inputs: dict[str, Any], d: Deployment) -> Usage:
    """Return what an hour uses in which all instances of predict answer as fast as they can."""
    requests = d.most * d.cpu * 3600 / (float(np.mean(inputs["service_ms"])) / 1e3)
    return {
        "vcpu_second": d.most * d.cpu * 3600,
        "gib_second": d.most * d.gib * 3600,
        "request": requests,
        "egress_gib": requests * d.answer_bytes / GIB,
        "log_gib": requests * d.log_bytes / GIB,
    }


def tables(inputs: dict[str, Any], prices: dict[str, Any], volumes: tuple[int, ...]) -> str:
    """Return dollars by purpose and by free tier, as Markdown."""
    d = Deployment()
    uses = {n: used(n, inputs, d) for n in volumes}
    purposes = list(uses[volumes[-1]])
    lines = [
        "| a month, $ | " + " | ".join(f"{n:,}" for n in volumes) + " |",
        "|---|" + "---:|" * len(volumes),
    ]
    for purpose in purposes:
        row = [usd(uses[n].get(purpose, {}), prices, free=False) for n in volumes]
        lines.append(f"| {purpose} | " + " | ".join(f"{x:,.2f}" for x in row) + " |")
    for name, free in (("**together, nothing free**", False), ("**with the free tier**", True)):
        row = [usd(total(uses[n]), prices, free=free) for n in volumes]
        lines.append(f"| {name} | " + " | ".join(f"**{x:,.2f}**" for x in row) + " |")
    alerts = [d.alerts * prices["usd"]["alert_condition_month"]] * len(volumes)
    cells = " | ".join(f"{x:,.2f}" for x in alerts)
    lines.append(f"| alerts, if `alert_email` is given, once they are charged | {cells} |")
    lines += ["", "| used in the month | " + " | ".join(f"{n:,}" for n in volumes) + " | free |"]
    lines.append("|---|" + "---:|" * (len(volumes) + 1))
    for name in prices["usd"]:
        amounts = [total(uses[n]).get(name, 0.0) for n in volumes]
        if any(amounts):
            cells = " | ".join(_amount(a) for a in amounts)
            given = prices["free_a_month"].get(name)
            lines.append(
                f"| {name.replace('_', ' ')} | {cells} | {'' if given is None else f'{given:,}'} |"
            )
    return "\n".join(lines) + "\n"


def flood_table(inputs: dict[str, Any], prices: dict[str, Any]) -> str:
    """Return dollars of an hour of flood, as Markdown."""
    amounts = flood(inputs, Deployment())
    lines = ["| an hour of flood | used | $ |", "|---|---:|---:|"]
    for name, amount in amounts.items():
        cost = amount * prices["usd"][name]
        lines.append(f"| {name.replace('_', ' ')} | {_amount(amount)} | {cost:.2f} |")
    lines.append(f"| **together** | | **{usd(amounts, prices, free=False):.2f}** |")
    return "\n".join(lines) + "\n"


def _amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.2g}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("predictions", type=int, nargs="*", default=VOLUMES, help="in a month")
    given = parser.parse_args()
    inputs, prices = (
        json.loads((HERE / name).read_text()) for name in ("capacity-inputs.json", "prices.json")
    )
    print(tables(inputs, prices, tuple(given.predictions)))
    print(flood_table(inputs, prices))


if __name__ == "__main__":
    main()
