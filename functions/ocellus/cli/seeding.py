"""`ocellus seed`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from ocellus.bootstrap import app
from ocellus.cli.client import print_json
from ocellus.publishing import install_seed


@click.command()
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="models/v1"
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def seed(folder: Path, as_json: bool) -> None:
    """Put the version in FOLDER in service, if nothing is.

    Writes to the store that the settings name, without a server. `ocellus serve` does it by
    itself at its first start.

    \b
    Example: ocellus seed models/v1
    """
    install_seed(app().blobs, app().state, folder, time.time())
    pointer = app().state.pointer()
    if as_json:
        print_json({"pointer": pointer})
        return
    click.echo(f"{pointer.version if pointer else 'No version'} is in service.")
