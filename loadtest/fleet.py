"""Function instances as deployed, behind nginx: one machine plays a service that has scaled out."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from deployed import Function  # noqa: E402
from server import until  # noqa: E402

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs  # noqa: E402
from ocellus.adapters.embedded.sqlite_state import SqliteState  # noqa: E402
from ocellus.publishing import install_seed  # noqa: E402

TOKEN = "loadtest"
SEED = ROOT / "models" / "v1"
_NGINX = """
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000;
  client_max_body_size 32m;
  client_body_buffer_size 1m;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream predict {{ least_conn; {predict} keepalive 128; keepalive_timeout 1s; }}
  upstream api {{ least_conn; {api} keepalive 128; keepalive_timeout 1s; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ proxy_pass http://api; }}
    location = /api/predict {{ proxy_pass http://predict; }}
    location /api/predict/ {{ proxy_pass http://predict; }}
    location = /api/health {{ proxy_pass http://predict; }}
    location = /api/model/uptime {{ proxy_pass http://predict; }}
  }}
}}
"""
"""The locations are the rewrites of web/firebase.json. A worker closes a connection that was idle
for 2 s; nginx must close it before, or a request now and then meets a closing one: a 502.
"""


@dataclass(frozen=True)
class Fleet:
    """Running instances of both functions on one data folder."""

    predict: list[Function]
    api: list[Function]
    data: Path
    environ: dict[str, str]


@contextmanager
def fleet(instances: int, folder: Path, **settings: str) -> Iterator[Fleet]:
    """Run so many processes of `predict` and of `api` on the embedded back end, the seed model in
    service. `settings` are environment variables. The processes end with the block.
    """
    data = folder / "data"
    data.mkdir()
    with closing(SqliteState(data / "state.sqlite")) as state:
        install_seed(DirectoryBlobs(data / "blobs"), state, SEED, time.time())
    environ = {
        "OCELLUS_DATA_DIR": str(data),
        "OCELLUS_ADMIN_TOKEN": TOKEN,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "functions"), str(ROOT)]),
        **settings,
    }
    with ExitStack() as stack:
        made: dict[str, list[Function]] = {"predict": [], "api": []}
        for target, functions in made.items():
            for n in range(instances):
                function = Function(target, environ, folder / f"{target}.{n}.log", "http")
                stack.callback(function.stop)
                functions.append(function)
        for function in [*made["predict"], *made["api"]]:
            function.ready()
        yield Fleet(made["predict"], made["api"], data, environ)


@contextmanager
def balanced(running: Fleet, folder: Path) -> Iterator[str]:
    """Put nginx in front of the instances; give its URL."""
    if (nginx := shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")) is None:
        sys.exit(
            "This needs nginx: install it first (Debian, Ubuntu: apt-get install nginx-light)."
        )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])

    def servers(functions: list[Function]) -> str:
        return " ".join(f"server {f.url.removeprefix('http://')};" for f in functions)

    config = folder / "nginx.conf"
    config.write_text(
        _NGINX.format(
            folder=folder, port=port, predict=servers(running.predict), api=servers(running.api)
        )
    )
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(config)])
    try:
        until(lambda: _listens(port), 10, "nginx to listen")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
