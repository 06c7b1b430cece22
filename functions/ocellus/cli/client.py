"""A running Ocellus, as the command line speaks to it: JSON over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click
import httpx
import orjson

from ocellus.errors import OcellusError, Unauthorized
from ocellus.settings import Settings

C = TypeVar("C", bound=Callable[..., Any])

_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""A large upload or a full evaluation takes minutes; connecting does not."""


class ServerError(OcellusError):
    """The server cannot be reached, or refused; `problem` is the problem+json it sent, if any."""

    def __init__(
        self, detail: str, remedy: str = "", problem: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail, remedy)
        self.problem: Mapping[str, Any] = problem or {"detail": detail, "remedy": remedy}

    @property
    def is_passing(self) -> bool:
        """Whether the same request may well succeed later."""
        status = self.problem.get("status", 503)  # no answer, or not from Ocellus itself
        return bool(status in (408, 429) or status >= 500)


class Server:
    """The API at `url`. Every method raises ServerError; `change` Unauthorized too."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url, self._settings = url.rstrip("/"), settings
        # A proxy for the internet cannot reach this machine's own server.
        local = urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")
        self._http = httpx.Client(base_url=self._url, timeout=_TIMEOUT, trust_env=not local)

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, **query: Any) -> Any:
        return _content(self._send("GET", path, params=query))

    def health(self) -> Any:
        """Return /api/health, which is an answer even where the status is 503."""
        response = self._send("GET", "/api/health")
        is_answer = response.headers.get("content-type") == "application/json"
        return response.json() if is_answer else _content(response)

    def predict(self, data: bytes) -> Any:
        headers = {"Content-Type": "application/octet-stream"}
        return _content(self._send("POST", "/api/predict", content=data, headers=headers))

    def change(self, path: str, **request: Any) -> Any:
        """POST with the admin token; `request` is what httpx takes: `json=`, `files=`."""
        headers = {"Authorization": f"Bearer {admin_token(self._settings)}"}
        return _content(self._send("POST", path, headers=headers, **request))

    def send(self, upload: Mapping[str, Any], data: bytes) -> httpx.Response:
        """Send bytes as `/api/upload/sign` said, maybe to another host; threads may do so at once.

        Raises ServerError only if no answer comes.
        """
        headers = dict(upload["headers"])
        return self._send(upload["method"], upload["url"], content=data, headers=headers)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as e:
            raise ServerError(
                f"No server answers at {self._url}.",
                "Start one with `ocellus serve`, or name another with --url.",
            ) from e
        except (httpx.HTTPError, httpx.InvalidURL) as e:
            raise ServerError(
                f"{self._url} broke off: {e or type(e).__name__}.", "See its log, and try again."
            ) from e


def admin_token(settings: Settings) -> str:
    """Return OCELLUS_ADMIN_TOKEN, else what the data folder holds. Raises: Unauthorized."""
    if settings.admin_token:
        return settings.admin_token
    path: Path = settings.data_dir / "admin-token"
    try:
        return path.read_text().strip()
    except OSError as e:
        raise Unauthorized(
            f"This changes something, so it needs the admin token, and {path} cannot be read.",
            "Set OCELLUS_ADMIN_TOKEN, or OCELLUS_DATA_DIR to the server's data folder.",
        ) from e


def _content(response: httpx.Response) -> Any:
    """Return the JSON of a success. Raises: ServerError."""
    kind = response.headers.get("content-type", "").partition(";")[0]
    if response.is_success and kind == "application/json":
        return response.json()
    if kind == "application/problem+json":
        problem = response.json()
        raise ServerError(problem["detail"], problem.get("remedy", ""), problem)
    raise ServerError(
        f"{response.request.url} answered {response.status_code} with {kind or 'nothing'}; "
        "Ocellus answers with JSON.",
        "See that --url names a running Ocellus.",
    )


def _open_server(context: click.Context, _: click.Parameter, url: str) -> Server:
    server = Server(url, Settings.from_env())
    context.call_on_close(server.close)
    return server


def speaks_to_server(command: C) -> C:
    """Add --url and --json, as `server` and `as_json`."""
    url = click.option(
        "--url",
        "server",
        envvar="OCELLUS_URL",
        default="http://127.0.0.1:8080",
        show_default=True,
        show_envvar=True,
        callback=_open_server,
        help="The server to speak to.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    return url(as_json(command))


def print_json(content: Any) -> None:
    click.echo(orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
