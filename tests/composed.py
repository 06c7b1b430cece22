"""The services of compose.yaml as processes of this machine, by the very commands that it names."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from emulators.lifeline import Lifeline

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
TOKEN = "compose"


def dockerfile(service: str) -> str:
    """Return the text of the service's Dockerfile; empty if its image is another's."""
    build = SERVICES[service].get("build")
    return (ROOT / build["dockerfile"]).read_text() if build else ""


def command(service: str) -> list[str]:
    """Return what the service's container runs: the entrypoint and the command."""
    found = SERVICES[service]
    entrypoint = re.search(r"^ENTRYPOINT (.+)$", dockerfile(service), re.M)
    first = json.loads(entrypoint[1]) if entrypoint else found["entrypoint"]
    return [*first, *found["command"]]


def environment(service: str) -> dict[str, str]:
    """Return the settings that the service's container has, from its image and from compose."""
    image = dict(re.findall(r"\b(OCELLUS_[A-Z_]+)=([\w/.-]+)", dockerfile(service)))
    given = {k: re.sub(r"^\$.*", TOKEN, v) for k, v in SERVICES[service]["environment"].items()}
    return image | given


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Container:
    """One process of a service, with this machine's paths and ports in place of the container's;
    what it says goes to `log`. Ended by its own pid.
    """

    def __init__(
        self, service: str, log: Path, places: dict[str, str], environ: dict[str, str]
    ) -> None:
        places = places | {"python": sys.executable, "nginx": str(NGINX), "0.0.0.0": "127.0.0.1"}
        self.log = log
        with log.open("a") as output:
            self.process = subprocess.Popen(
                [places.get(part, part) for part in command(service)],
                env=os.environ | environ,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self._lifeline = Lifeline(self.process.pid)

    def kill(self) -> None:
        """End it as if its machine had failed."""
        self._lifeline.cut()
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        self._lifeline.cut()


def nginx_config(listen: int, replicas: list[int]) -> str:
    """Return infra/nginx.conf with these ports: what DNS says of the service, and what nginx
    listens on.
    """
    config = (ROOT / "infra" / "nginx.conf").read_text()
    (server,) = re.findall(r"^ *server functions:8080 .*;$", config, re.M)
    servers = "\n".join(server.replace("functions:8080", f"127.0.0.1:{p}") for p in replicas)
    assert config.count("listen 8080;") == 1
    return config.replace(server, servers).replace("listen 8080;", f"listen 127.0.0.1:{listen};")
