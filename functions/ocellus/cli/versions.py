"""`ocellus models`, `promote`, `rollback` and `status`."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from ocellus.cli.client import Server, print_json, speaks_to_server
from ocellus.cli.progress import duration
from ocellus.cli.training import describe
from ocellus.runs import RunStatus


@click.command()
@speaks_to_server
def models(server: Server, as_json: bool) -> None:
    """List the versions, newest first; * marks the one in service.

    \b
    Example: ocellus models
    """
    listed = server.get("/api/models")
    if as_json:
        print_json(listed)
        return
    serving = listed["pointer"] and listed["pointer"]["version"]
    for v in listed["versions"]:
        mark = "*" if v["name"] == serving else " "
        accuracy = "   —  " if v["accuracy"] is None else f"{v['accuracy']:6.1%}"
        made = time.strftime("%Y-%m-%d %H:%M", time.localtime(v["created_at"]))
        head = f"{mark} {v['name']:<5} {accuracy}  {v['classes']:>4} classes  {made}"
        click.echo(f"{head}  {v['verdict']}: {v['sentence']}")
    if not listed["versions"]:
        click.echo("There is no version yet. Train one: ocellus train --dataset cifar10")


@click.command()
@click.argument("version", metavar="vN")
@click.option("--reason", default="by hand", show_default=True, help="For the audit trail.")
@speaks_to_server
def promote(version: str, reason: str, server: Server, as_json: bool) -> None:
    """Put a version in service, also one that the gate refused.

    \b
    Example: ocellus promote v3 --reason "cats matter most"
    """
    fields = {"version": version, "reason": reason}
    _print_pointer(server.change("/api/model/promote", json=fields), as_json)


@click.command()
@speaks_to_server
def rollback(server: Server, as_json: bool) -> None:
    """Put the version before the present one in service again.

    \b
    Example: ocellus rollback
    """
    _print_pointer(server.change("/api/model/rollback"), as_json)


def _print_pointer(pointer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(pointer)
    else:
        before = f" (before: {pointer['previous']})" if pointer["previous"] else ""
        click.echo(f"{pointer['version']} is in service{before}.")


@click.command()
@speaks_to_server
def status(server: Server, as_json: bool) -> None:
    """Say what is in service, what is being trained and what has been asked.

    Exits with 1 if no version can be served.

    \b
    Example: ocellus status
    """
    health, retrain = server.health(), server.get("/api/retrain/status")
    uptime, statistics = server.get("/api/model/uptime"), server.get("/api/statistics")
    if as_json:
        print_json(
            {"health": health, "uptime": uptime, "retrain": retrain, "statistics": statistics}
        )
    else:
        click.echo(f"{health['status']}: {health['serving'] or 'no version'} is in service.")
        if health["fault"]:
            click.echo(f"{health['desired'] or 'The store'}: {health['fault']['detail']}")
        click.echo(f"Up for {duration(uptime['instance_uptime_s'])}.")
        click.echo(f"{retrain['new_samples']:,} new samples; {retrain['threshold']:,} start a run.")
        if run := retrain["run"]:
            click.echo(
                describe(run) if RunStatus(run["status"]).active
                else f"Last run: {run['id']} {run['status']}: {run['message']}"
            )  # fmt: skip
        p99 = statistics["latency_ms"]["p99"]
        slowest = "" if p99 is None else f", 99 of 100 within {p99:.1f} ms"
        click.echo(f"{statistics['predictions']:,} predictions{slowest}.")
    if health["status"] == "down":
        sys.exit(1)
