"""`ocellus train`, and following a run until it ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from ocellus.cli.client import Server, print_json, speaks_to_server
from ocellus.cli.progress import ProgressLine, duration
from ocellus.errors import NotFound
from ocellus.runs import Mode, RunStatus

POLL_S = 1.0


@click.command()
@click.option(
    "--mode", type=click.Choice([str(m) for m in Mode]), default="auto", show_default=True,
    help="quick: the head only, seconds. full: the whole network. auto: the trainer chooses.",
)  # fmt: skip
@click.option(
    "--dataset", metavar="cifar10|PATH",
    help="Train from nothing on a data set (a folder, zip, tar or CSV), here, without a server.",
)  # fmt: skip
@click.option("--include-set-aside", is_flag=True, help="Take samples of refused runs in again.")
@click.option(
    "--follow/--no-follow", "follows", default=None,
    help="Stay until the run ends; by default on a terminal.",
)  # fmt: skip
@speaks_to_server
@click.pass_context
def train(
    ctx: click.Context,
    mode: str,
    dataset: str | None,
    include_set_aside: bool,
    follows: bool | None,
    server: Server,
    as_json: bool,
) -> None:
    """Train a new version; it goes into service if the gate finds it better.

    Exits with 1 if a followed run is refused, fails or is cancelled.

    \b
    Example: ocellus train --mode full --follow
             ocellus train --dataset cifar10
    """
    if dataset is not None:
        if any(_given(ctx, name) for name in ctx.params if name != "dataset"):
            raise click.UsageError("--dataset trains here, without a server, and goes alone.")
        # The trainer takes this process's place, and with it the terminal and the signals.
        os.execv(sys.executable, [sys.executable, "-m", "training_job", "--dataset", dataset])
    fields = {"mode": mode, "include_set_aside": include_set_aside}
    run = server.change("/api/retrain", json=fields)
    if follows is None:
        follows = sys.stdout.isatty()
    if not follows:
        if as_json:
            print_json(run)
        else:
            click.echo(f"Run {run['id']} has started; `ocellus status` shows it.")
        return
    run = follow(server, run["id"])
    if as_json:
        print_json(run)
    else:
        click.echo(f"{run['id']} {run['status']}: {run['message']}")
    if run["status"] != RunStatus.PROMOTED:
        sys.exit(1)


def _given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def follow(
    server: Server, run_id: str, sleep: Callable[[float], None] = time.sleep
) -> Mapping[str, Any]:
    """Show the run's progress until it ends, and return it as it ended."""
    line = ProgressLine()
    try:
        while True:
            run = _run(server, run_id)
            if not RunStatus(run["status"]).active:
                return run
            line.show(describe(run))
            sleep(POLL_S)
    finally:
        line.end()


def describe(run: Mapping[str, Any]) -> str:
    """Return where a run is: `r7 running: train, epoch 3/16, 812 images/s, 1 min 20 s left`."""
    said = f"{run['id']} {run['status']}"
    p = run["progress"]
    if p is None:
        return f"{said}: waiting for its trainer"
    parts = [p["phase"]]
    if p["epochs"]:
        parts.append(f"epoch {p['epoch']}/{p['epochs']}")
    if p["loss"] is not None:
        parts.append(f"loss {p['loss']:.3f}")
    if p["accuracy"] is not None:
        parts.append(f"accuracy {p['accuracy']:.1%}")
    if p["images_per_s"] is not None:
        parts.append(f"{p['images_per_s']:,.0f} images/s")
    if p["seconds_left"] is not None:
        parts.append(f"{duration(p['seconds_left'])} left")
    return f"{said}: {', '.join(parts)}"


def _run(server: Server, run_id: str) -> Mapping[str, Any]:
    newest = server.get("/api/retrain/status")["run"]
    if newest and newest["id"] == run_id:
        return dict(newest)
    # Samples that came meanwhile may have started the next run already.
    for run in server.get("/api/runs", limit=500)["runs"]:
        if run["id"] == run_id:
            return dict(run)
    raise NotFound(f"The server knows no run {run_id} any more.", "See `ocellus status`.")
