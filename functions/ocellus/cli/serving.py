"""`ocellus serve`."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

import click

from ocellus import bootstrap


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port", default=8080, show_default=True, type=click.IntRange(0, 65535),
    help="The port to listen on; 0 takes a free one.",
)  # fmt: skip
@click.option(
    "--data-dir", type=click.Path(file_okay=False, path_type=Path), envvar="OCELLUS_DATA_DIR",
    show_envvar=True, help="Where everything is kept.  [default: .ocellus]",
)  # fmt: skip
def serve(host: str, port: int, data_dir: Path | None) -> None:
    """Run the whole platform on this machine: page, functions, drop folder, trainer.

    The first start makes an admin token and prints it in the page's address. Stop with Ctrl-C.

    \b
    Example: ocellus serve --port 8080 --data-dir ~/ocellus
    """
    if data_dir is not None:  # the functions and the trainer read it from here too
        os.environ["OCELLUS_DATA_DIR"] = str(data_dir.expanduser().absolute())
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("ocellus").setLevel(logging.INFO)
    app = bootstrap.app()
    bootstrap.serve(host, port, lambda bound: _announce(app, host, bound))


def _announce(app: bootstrap.App, host: str, port: int) -> None:
    """Say where the server is, once its port is its own."""
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host
    token, made = bootstrap.admin_token(app.settings)
    click.echo(f"Ocellus is at http://{shown}:{port}/" + (f"#token={token}" if made else ""))
    if app.settings.admin_token:
        click.echo("The admin token is OCELLUS_ADMIN_TOKEN.")
    else:
        click.echo(f"The admin token is in {app.settings.data_dir / 'admin-token'}")
    if app.state.pointer() is None:
        click.echo("No model is in service yet. Train one: ocellus train --dataset cifar10")
    sys.stdout.flush()
