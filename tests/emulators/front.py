"""Firebase Hosting on 127.0.0.1: the site, its rewrites, and the reserved URL of its web app."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import uvicorn
from emulators.reverse_proxy import ReverseProxy
from server import until
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from ocellus.adapters.embedded.hosting import Hosting, Site, read_site

_CONFIG_PATH = "/__/firebase/init.json"
_CSP = "Content-Security-Policy"


class Front:
    """Serves the site in `web` until `stop`; functions answer from the URLs given by name.

    `config` is what the web app is told of its project. Scripts may also connect to `origins`.
    Source: https://firebase.google.com/docs/hosting/reserved-urls
    """

    def __init__(
        self,
        listener: socket.socket,
        web: Path,
        functions: Mapping[str, str],
        config: Mapping[str, str],
        origins: Iterable[str],
    ) -> None:
        """`listener` is bound and from now on the front's. Raises: InvalidSetting."""
        self._listener = listener
        self._config = JSONResponse(dict(config))
        site = _connecting_to(read_site(web, functions), " ".join(origins))
        proxies = {name: ReverseProxy(url) for name, url in functions.items()}

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            yield
            for proxy in proxies.values():
                await proxy.aclose()

        self._hosting = Hosting(Starlette(lifespan=lifespan), site, proxies)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self._answer,
                interface="asgi3",
                lifespan="on",
                ws="none",
                log_config=None,
                date_header=False,  # the functions' answers bring theirs
                server_header=False,
                log_level="warning",
                timeout_graceful_shutdown=1,
            )
        )
        self._thread = threading.Thread(target=self._server.run, args=([listener],), daemon=True)
        self._thread.start()
        until(lambda: self._server.started, 10, "the front")

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = self._config if scope.get("path") == _CONFIG_PATH else self._hosting
        await answer(scope, receive, send)


def _connecting_to(site: Site, origins: str) -> Site:
    """Return the site with a policy that also lets its scripts connect to `origins`."""

    def widen(policy: str) -> str:
        directives = dict(d.split(maxsplit=1) for d in policy.split(";"))
        allowed = directives.get("connect-src", "'self'")
        return "; ".join(
            f"{k} {v}" for k, v in (directives | {"connect-src": f"{allowed} {origins}"}).items()
        )

    return replace(
        site,
        headers=tuple(
            (pattern, {k: widen(v) if k == _CSP else v for k, v in headers.items()})
            for pattern, headers in site.headers
        ),
    )
