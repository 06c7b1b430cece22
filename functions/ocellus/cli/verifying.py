"""`ocellus verify`."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from ocellus import verifying
from ocellus.bootstrap import app
from ocellus.cli.client import print_json
from ocellus.versions import parse_version


@click.command()
@click.argument("version", metavar="vN")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(version: str, as_json: bool) -> None:
    """Say whether a version still is what its manifest claims.

    Recomputes hashes, golden outputs and the holdout accuracy from the files in the data folder,
    without a server. Exits with 1 if a claim does not hold.

    \b
    Example: ocellus verify v1
    """
    findings = verifying.verify(app().blobs, parse_version(version))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for f in findings:
            click.echo(f"{'holds' if f.holds else 'FAILS'}  {f.claim}: {f.detail}")
    sys.exit(not all(f.holds for f in findings))
