"""The local platform: Firebase Hosting, Cloud Functions, Eventarc and Cloud Scheduler on a laptop.

One process serves what the deployment spreads over four services: `hosting` routes requests,
`signed_uploads` takes what goes straight to the bucket, `inbox` announces dropped files, `events`
calls functions. The functions are the deployed ones, loaded by the functions framework, each from
its own execution of `main.py`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from functions_framework.aio import create_asgi_app
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.events import Trigger, tick
from ocellus.adapters.embedded.hosting import Hosting, read_site
from ocellus.adapters.embedded.inbox import announce_files
from ocellus.adapters.embedded.signed_uploads import SignedUploads
from ocellus.errors import InvalidSetting

_HTTP_FUNCTIONS = ("predict", "api")
_GRACE_S = 3

log = logging.getLogger("ocellus.platform")


def create_platform(
    *,
    source: Path,
    web: Path,
    inbox: Path,
    tick_s: float,
    on_stop: Callable[[], None] = lambda: None,
) -> Starlette:
    """Return the app that serves the site in `web` and the functions in `source`/main.py.

    While its lifespan runs, files dropped into `inbox` (made if absent) are announced to
    `on_upload`, and `on_tick` is called every `tick_s` seconds; requests reach neither. Signed
    uploads go into `inbox`, too. `on_stop` is called last.

    Raises: InvalidSetting if `web/firebase.json` cannot be used; what the functions framework
    raises if `main.py` lacks an entry point.
    """
    site = read_site(web, _HTTP_FUNCTIONS)
    functions = {name: _function(name, source, "http") for name in _HTTP_FUNCTIONS}
    on_upload = Trigger("on_upload", _function("on_upload", source, "cloudevent"))
    on_tick = Trigger("on_tick", _function("on_tick", source, "http"))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [
            asyncio.create_task(announce_files(inbox, on_upload), name="inbox"),
            asyncio.create_task(tick(on_tick, tick_s), name="ticker"),
        ]
        for task in tasks:
            task.add_done_callback(_report)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            on_stop()

    return Starlette(
        middleware=[
            Middleware(SignedUploads, blobs=DirectoryBlobs(inbox)),
            Middleware(Hosting, site=site, functions=functions),
        ],
        lifespan=lifespan,
    )


def _function(name: str, source: Path, signature_type: str) -> ASGIApp:
    app: ASGIApp = create_asgi_app(name, source / "main.py", signature_type)  # type: ignore[no-untyped-call]
    return app


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.critical("the %s has stopped; start the server again", task.get_name(), exc_info=error)


def serve(
    app: Starlette, host: str, port: int, on_bound: Callable[[int], None] = lambda port: None
) -> None:
    """Serve until SIGINT or SIGTERM, then return: requests get 3 s to finish. Port 0 takes a free
    port; `on_bound` hears which. Call it on the main thread.

    Raises: InvalidSetting if the port cannot be had.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="warning",
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        # Before the lifespan: a server without a port must not tick.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family)
    except OSError as e:
        raise InvalidSetting(
            f"cannot listen on {host}, port {port}: {e.strerror}.", "Choose another port."
        ) from e
    # uvicorn stops gracefully and then raises the signal again; by default SIGTERM would end the
    # process there, with nothing after this call done.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        name = f"[{host}]" if ":" in host else host
        log.info("serving at http://%s:%d", name, listener.getsockname()[1])
        on_bound(listener.getsockname()[1])
        uvicorn.Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        log.info("stopped")
    finally:
        signal.signal(signal.SIGTERM, before)
        listener.close()
