"""Four crowds of visitors against one instance and against three: failures and latencies.

Each crowd (loadtest/locustfile.py says what a visitor does) is sent by Locust to function processes
behind nginx, on this machine, client and servers sharing its cores; with --host to a deployment,
which scales by itself. Locust's reports and CSVs go to the work folder, a summary with its picture
and statistics to loadtest/results.

    make flood    # or: python loadtest/flood.py [--seconds 60] [--host https://…]

Needs Locust (requirements/load.txt) and, without --host, nginx.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conditions import conditions
from fleet import balanced, fleet
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from training_job.plots.style import LIGHT, Picture, Theme, render

HERE = Path(__file__).parent
LIMIT_MS = 100
AT_INSTANCES = (1, 3)


@dataclass(frozen=True)
class Scenario:
    """So many visitors, so many more each second until all are there."""

    users: int
    per_s: int

    @property
    def title(self) -> str:
        return (
            f"{self.users} at once"
            if self.users == self.per_s
            else f"{self.users} at {self.per_s}/s"
        )


SCENARIOS = (Scenario(50, 5), Scenario(100, 10), Scenario(200, 20), Scenario(100, 100))


@dataclass(frozen=True)
class Outcome:
    """What Locust counted of one scenario: its statistics' rows, the last being of all requests."""

    scenario: Scenario
    instances: str
    load: float
    rows: list[dict[str, str]]

    def ms(self, percentile: str, row: int = -1) -> float:
        return float(self.rows[row][percentile])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60, help="a scenario's length")
    parser.add_argument("--host", help="a deployment's URL; without it one is started here")
    parser.add_argument("--work", type=Path, default=Path("flood-work"), help="Locust's reports")
    parser.add_argument("--results", type=Path, default=HERE / "results", help="the summary")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    measured_at = conditions()
    outcomes: list[Outcome] = []
    if given.host:
        for scenario in SCENARIOS:
            outcomes.append(flood(scenario, "as deployed", given.host, given.seconds, given.work))
    for instances in () if given.host else AT_INSTANCES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with fleet(instances, folder) as running, balanced(running, folder) as url:
                for scenario in SCENARIOS:
                    outcomes.append(flood(scenario, str(instances), url, given.seconds, given.work))
    name = f"{time.strftime('%Y-%m-%d')}-flood" + ("-deployed" if given.host else "")
    where = urlsplit(given.host).hostname if given.host else "this machine, behind nginx"
    text = summary(outcomes, name, f"{measured_at}. Against {where}; {given.seconds} s a scenario.")
    (given.results / f"{name}.md").write_text(text)
    (given.results / f"{name}.png").write_bytes(render(drawn(outcomes), LIGHT))
    write_csv(given.results / f"{name}.csv", outcomes)
    print(text)
    sys.exit(any(int(o.rows[-1]["Failure Count"]) for o in outcomes))


def flood(scenario: Scenario, instances: str, url: str, seconds: int, work: Path) -> Outcome:
    """Send one crowd; keep Locust's reports in the work folder."""
    load = os.getloadavg()[0]
    name = f"{instances.replace(' ', '-')}-{scenario.users}-{scenario.per_s}"
    command = [
        sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--headless",
        "-u", str(scenario.users), "-r", str(scenario.per_s), "-t", f"{seconds}s", "--host", url,
        "--only-summary", "--csv", str(work / name), "--html", str(work / f"{name}.html"),
        "--exit-code-on-error", "0",
    ]  # fmt: skip
    print(f"{scenario.title}, {instances} …", file=sys.stderr)
    with (work / f"{name}.log").open("w") as log:
        subprocess.run(command, check=True, stdout=log, stderr=log)
    with (work / f"{name}_stats.csv").open() as file:
        return Outcome(scenario, instances, load, list(csv.DictReader(file)))


def summary(outcomes: list[Outcome], name: str, measured: str) -> str:
    lines = [
        "# Four crowds, one instance and three\n",
        f"`make flood`: {measured}",
        "An instance is one process of `predict` and one of `api`, started by the functions",
        "framework on one data folder; the first crowd meets them cold. The mix and think times:",
        "`loadtest/locustfile.py`.\n",
        f"![Latencies of every scenario]({name}.png)\n",
        "| visitors | instances | requests | failures | requests/s | p50, ms | p95, ms | p99, ms"
        " | slowest, ms | load before |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for o in outcomes:
        total = o.rows[-1]
        lines.append(
            f"| {o.scenario.title} | {o.instances} | {total['Request Count']} |"
            f" {total['Failure Count']} | {float(total['Requests/s']):.0f} | {o.ms('50%'):.0f} |"
            f" {o.ms('95%'):.0f} | {o.ms('99%'):.0f} | {o.ms('100%'):.0f} | {o.load:.1f} |"
        )
    most = max((o for o in outcomes), key=lambda o: o.scenario.users)
    lines.append(f"\nBy request, {most.scenario.title}, instances: {most.instances}\n")
    lines.append("| request | count | p50, ms | p95, ms | p99, ms |\n|---|---:|---:|---:|---:|")
    for i, row in enumerate(most.rows[:-1]):
        lines.append(
            f"| {row['Type']} {row['Name']} | {row['Request Count']} | {most.ms('50%', i):.0f} |"
            f" {most.ms('95%', i):.0f} | {most.ms('99%', i):.0f} |"
        )
    return "\n".join(lines) + "\n"


def write_csv(path: Path, outcomes: list[Outcome]) -> None:
    """Write every row of Locust's statistics, with its scenario in front."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["Scenario", "Instances", *outcomes[0].rows[0]])
        for o in outcomes:
            writer.writerows([o.scenario.title, o.instances, *row.values()] for row in o.rows)


def drawn(outcomes: list[Outcome]) -> Picture:
    """For each scenario and number of instances, a line from p50 over p95 to p99."""
    kinds = list(dict.fromkeys(o.instances for o in outcomes))
    titles = [s.title for s in SCENARIOS]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.subplots()
        for k, kind in enumerate(kinds):
            colour = theme.series[k]
            mine = [o for o in outcomes if o.instances == kind]
            rows = [
                titles.index(o.scenario.title) + 0.26 * (k - (len(kinds) - 1) / 2) for o in mine
            ]
            p50, p95, p99 = ([o.ms(p) for o in mine] for p in ("50%", "95%", "99%"))
            axes.hlines(rows, p50, p99, color=colour)
            axes.plot(p50, rows, "o", color=colour, markersize=3)
            axes.plot(p95, rows, "D", color=colour, markersize=4, label=_named(kind))
            axes.plot(p99, rows, "|", color=colour, markersize=7)
        axes.axvline(LIMIT_MS, color=theme.quiet, linestyle=":")
        axes.set_yticks(range(len(titles)), titles)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
        axes.set_xlabel("response time, ms: p50 (dot), p95 (diamond), p99 (bar)")
        axes.grid(visible=True, axis="x")
        figure.legend(loc="outside upper right", ncols=2)

    return Picture("flood", "", "", "", None, draw)


def _named(instances: str) -> str:
    return (
        "one instance"
        if instances == "1"
        else f"{instances} instances"
        if instances.isdigit()
        else instances
    )


if __name__ == "__main__":
    main()
