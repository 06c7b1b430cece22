"""`ocellus predict` and `ocellus upload`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ocellus.cli.client import Server, ServerError, print_json, speaks_to_server
from ocellus.cli.sending import upload as upload_files


@click.command()
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE…",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)  # fmt: skip
@speaks_to_server
def predict(files: tuple[Path, ...], server: Server, as_json: bool) -> None:
    """Say what is on each image.

    \b
    Example: ocellus predict cat.jpg dog.png
    """
    results: list[dict[str, Any]] = []
    for file in files:
        try:
            answer = server.predict(file.read_bytes())
        except ServerError as e:
            if not 400 <= e.problem.get("status", 0) < 500:  # not about this image
                raise
            results.append({"name": str(file), "error": e.problem})
            click.echo(f"{file}: {e}", err=True)
            continue
        results.append({"name": str(file), **answer})
        if not as_json:
            click.echo(f"{file}: {described(answer)}")
    if as_json:
        print_json({"results": results})
    if any("error" in result for result in results):
        sys.exit(1)


def described(answer: Mapping[str, Any]) -> str:
    """Return an answer as one line."""
    label, probability = answer["label"], f"{answer['probability']:.1%}"
    if answer["none_of_these"]:
        return f"none of these (nearest {label}, {probability}, {answer['version']})"
    unsure = ", unsure" if answer["unsure"] else ""
    return f"{label} ({probability}{unsure}, {answer['version']})"


@click.command()
@click.argument("source", metavar="FOLDER|ZIP", type=click.Path(exists=True, path_type=Path))
@speaks_to_server
def upload(source: Path, server: Server, as_json: bool) -> None:
    """Hand in labelled images: a folder or a zip with one folder per label.

    Each goes straight to the inbox; the command ends when all are on file. Enough new images start
    a training by themselves. Doing it again changes nothing, and goes on where a killed upload was.

    \b
    Example: ocellus upload photos/        (photos/cat/1.jpg, photos/dog/2.jpg, …)
    """
    summary = upload_files(server, source)
    if as_json:
        print_json(vars(summary))
    else:
        for fault in summary.rejected:
            click.echo(f"{fault['name']}: {fault['reason']}", err=True)
        counts = [f"{n:,} {outcome}" for outcome, n in sorted(summary.outcomes.items())]
        counts.append(f"{len(summary.rejected):,} rejected")
        if summary.waiting:
            counts.append(f"{summary.waiting:,} not filed yet")
        click.echo(f"{', '.join(counts)} ({summary.files:,} in all).")
        for label, n in sorted(summary.labels.items()):
            click.echo(f"  {label}: {n:,} new")
        if summary.run:
            click.echo(f"Run {summary.run} has started; `ocellus status` shows it.")
        elif summary.threshold is not None:
            click.echo(f"{summary.new_samples:,} new samples; {summary.threshold:,} start a run.")
        if summary.waiting:
            click.echo("To see whether the rest has been filed, upload again.")
    if summary.waiting or not summary.outcomes:
        sys.exit(1)
