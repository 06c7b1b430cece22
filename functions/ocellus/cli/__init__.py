"""The command line: `ocellus …`. `serve` runs everything here; the rest speaks to a server."""

from __future__ import annotations

from typing import Any

import click

from ocellus.cli.images import predict, upload
from ocellus.cli.seeding import seed
from ocellus.cli.serving import serve
from ocellus.cli.training import train
from ocellus.cli.verifying import verify
from ocellus.cli.versions import models, promote, rollback, status
from ocellus.errors import OcellusError


class Commands(click.Group):
    """A group whose commands may raise OcellusError: it is told on stderr, the exit code is 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OcellusError as e:
            raise click.ClickException(str(e)) from e


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ocellus")
def main() -> None:
    """An image classifier that improves itself.

    Start with `ocellus serve`; each command's --help has an example.
    """


for command in (serve, predict, upload, train, models, promote, rollback, status, verify, seed):
    main.add_command(command)
