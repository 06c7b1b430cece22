"""Beyond one machine: instances, latency and dollars, simulated from measured times.

loadtest/autoscaling.py plays arrivals against instances that scale as Cloud Run scales them, with
the service times and cold start in `capacity-inputs.json` and the prices in `prices.json`.

    python loadtest/capacity.py                           # 1 to 20,000 requests/s, and bursts
    python loadtest/capacity.py --curve 60:5,30:400,60:5  # seconds:requests/s, …
    python loadtest/capacity.py --measure                 # measure the inputs, and prove the model

--measure needs nginx: it times requests on one instance, and then compares what one and three
instances on this machine do with what the model says of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from autoscaling import Outcome, Platform, Service, arrivals, simulate
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from training_job.plots.style import LIGHT, Picture, Theme, render

HERE = Path(__file__).parent
Curve = list[tuple[float, float]]
STEADY: dict[str, Curve] = {
    f"{rate:,}/s": [(max(30.0, min(240.0, 2e5 / rate)), float(rate))]
    for rate in (1, 10, 100, 1_000, 5_000, 20_000)
}
BURSTS: dict[str, Curve] = {
    "20/s, 10 s of 2,000/s": [(60, 20), (10, 2_000), (60, 20)],
    "nothing, then 5,000/s": [(20, 5_000)],
}
CONCURRENCY = 80


@dataclass(frozen=True)
class Case:
    """A curve, and what became of it."""

    name: str
    seconds: float
    requests: int
    outcome: Outcome
    usd_per_million: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--curve", type=parse_curve, help="seconds:requests/s, …")
    parser.add_argument("--inputs", type=Path, default=HERE / "capacity-inputs.json")
    parser.add_argument("--prices", type=Path, default=HERE / "prices.json")
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY, help="of an instance")
    parser.add_argument("--most", type=int, default=1_000, help="instances")
    parser.add_argument("--measure", action="store_true", help="the inputs, and prove the model")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="the summary")
    given = parser.parse_args()
    if given.measure:
        import validation  # starts servers; the simulation alone needs none of its libraries

        given.inputs.write_text(json.dumps(asdict(validation.measure()), indent=1) + "\n")
    inputs, prices = json.loads(given.inputs.read_text()), json.loads(given.prices.read_text())
    service = Service(
        inputs["service_ms"], inputs["rested_ms"], inputs["cold_start_s"], given.concurrency
    )
    curves = {"the curve given": given.curve} if given.curve else STEADY | BURSTS
    platform = Platform(most=given.most)
    cases = [play(name, curve, service, platform, prices) for name, curve in curves.items()]
    print(table(cases, inputs, prices))
    if not given.curve:
        name = f"{time.strftime('%Y-%m-%d')}-capacity"
        text = f"{table(cases, inputs, prices)}\n![Instances, latency and dollars]({name}.png)\n"
        (given.results / f"{name}.md").write_text(text + inputs["validation"])
        (given.results / f"{name}.png").write_bytes(render(drawn(cases[: len(STEADY)]), LIGHT))


def parse_curve(text: str) -> Curve:
    """`60:5,30:400` to [(60.0, 5.0), (30.0, 400.0)]. Raises: ArgumentTypeError."""
    try:
        pairs = [tuple(float(x) for x in part.split(":")) for part in text.split(",")]
        curve = [(seconds, rate) for seconds, rate in pairs]
    except ValueError as e:
        raise argparse.ArgumentTypeError("write seconds:requests/s, as in 60:5,30:400") from e
    if sum(seconds for seconds, _ in curve) > 900 or min(min(pair) for pair in curve) < 0:
        raise argparse.ArgumentTypeError("15 minutes at most, nothing negative")
    return curve


def play(
    name: str, curve: Curve, service: Service, platform: Platform, prices: dict[str, Any]
) -> Case:
    print(f"{name} …", file=sys.stderr)
    rng = np.random.default_rng(1)
    at_s = arrivals(curve, rng)
    outcome = simulate(at_s, service, platform, rng)
    amounts = {
        "vcpu_second": outcome.billed_s,
        "gib_second": outcome.billed_s,
        "request": len(at_s),
        "document_write": outcome.writes,
    }
    usd = sum(amount * prices["usd"][name] for name, amount in amounts.items())
    seconds = sum(length for length, _ in curve)
    return Case(name, seconds, len(at_s), outcome, usd / max(len(at_s), 1) * 1e6)


def table(cases: list[Case], inputs: dict[str, Any], prices: dict[str, Any]) -> str:
    lines = [
        "# Capacity of a deployment, simulated\n",
        f"`python loadtest/capacity.py`. Inputs: {inputs['source']}. Service time: mean "
        f"{np.mean(inputs['service_ms']):.2f} ms right after another request,"
        f" {np.mean(inputs['rested_ms']):.2f} ms after a pause; cold start"
        f" {inputs['cold_start_s']} s. Prices: "
        f"prices.json ({prices['date']}), 1 CPU and 1 GiB, nothing free. Latencies are the"
        " instance's own, without the network. Every curve starts with no instance.\n",
        "| requests | for, s | instances | p50, ms | p95, ms | p99, ms | met a cold start | refused"
        " | document writes/s | $ a million |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for c in cases:
        p50, p95, p99 = np.quantile(c.outcome.latency_ms, [0.5, 0.95, 0.99])
        lines.append(
            f"| {c.name} | {c.seconds:.0f} | {c.outcome.instances} | {p50:.1f} | {p95:.1f} |"
            f" {p99:.1f} | {c.outcome.cold / c.requests:.2%} | {c.outcome.refused} |"
            f" {c.outcome.writes / c.seconds:.1f} | {c.usd_per_million:.2f} |"
        )
    return "\n".join(lines) + "\n"


def drawn(cases: list[Case]) -> Picture:
    """Draw instances, latencies and dollars over the steady rates."""
    rates = [c.requests / c.seconds for c in cases]

    def draw(figure: Figure, theme: Theme) -> None:
        top, middle, bottom = figure.subplots(3, sharex=True)
        top.plot(rates, [c.outcome.instances for c in cases], "o-", color=theme.accent)
        top.set_ylabel("instances")
        for i, q in enumerate((0.5, 0.95, 0.99)):
            ms = [float(np.quantile(c.outcome.latency_ms, q)) for c in cases]
            middle.plot(rates, ms, "o-", color=theme.series[i], label=f"p{100 * q:.0f}")
        middle.set_ylabel("latency, ms")
        middle.legend()
        bottom.plot(rates, [c.usd_per_million for c in cases], "o-", color=theme.accent)
        bottom.set_ylabel("$ a million")
        bottom.set_xlabel("requests/s")
        top.set_yscale("log")
        middle.set_yscale("log")
        bottom.set_ylim(bottom=0)
        for axes in (top, middle, bottom):
            axes.set_xscale("log")
            axes.grid(visible=True)
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(StrMethodFormatter("{x:,g}"))

    return Picture("capacity", "", "", "", None, draw, height_in=4.2)


if __name__ == "__main__":
    main()
