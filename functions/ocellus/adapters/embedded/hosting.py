"""Firebase Hosting on a laptop: `web/firebase.json` says what a path gives.

Answers come in the order of Firebase: a static file, a rewrite to a function, `404.html`, a plain
404 page. A key of `hosting` that is not played here is refused at start, so that nothing works on
the laptop and not in deployment, or the other way round; `predeploy` concerns deployment alone.
The reserved URL that tells the page of its project answers that there is none.

Sources: https://firebase.google.com/docs/hosting/full-config
https://firebase.google.com/docs/hosting/reserved-urls
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.responses import (
    FileResponse,
    HTMLResponse,
    JSONResponse,
    RedirectResponse,
    Response,
)
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from ocellus.errors import InvalidSetting

_KEYS = {"public", "predeploy", "ignore", "headers", "rewrites"}
_PROJECT_PATH = "/__/firebase/init.json"
_NOT_FOUND = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>Not found</title>"
    "<h1>Not found</h1><p>There is no such page. <a href=/>Go to the start page.</a></html>"
)


@dataclass(frozen=True)
class Site:
    """What `firebase.json` says. Patterns match whole URL paths; of the rewrites the first wins,
    of two headers with one name the last.
    """

    public: Path
    ignore: tuple[re.Pattern[str], ...]
    headers: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...]
    rewrites: tuple[tuple[re.Pattern[str], str], ...]


def read_site(web: Path, functions: Collection[str]) -> Site:
    """Read `web/firebase.json`, whose rewrites may name only `functions`.

    Raises: InvalidSetting.
    """
    file = web / "firebase.json"
    try:
        hosting = json.loads(file.read_text(encoding="utf-8"))["hosting"]
        if unknown := sorted(hosting.keys() - _KEYS):
            raise InvalidSetting(
                f"{file}: hosting has {', '.join(unknown)}; the local platform has not.",
                f"Use only {', '.join(sorted(_KEYS))}.",
            )
        site = Site(
            public=web / hosting["public"],
            ignore=tuple(compile_glob(source) for source in hosting.get("ignore", [])),
            headers=tuple(
                (compile_glob(rule["source"]), {h["key"]: h["value"] for h in rule["headers"]})
                for rule in hosting.get("headers", [])
            ),
            rewrites=tuple(
                (compile_glob(rule["source"]), _function_id(rule, functions))
                for rule in hosting.get("rewrites", [])
            ),
        )
    except InvalidSetting:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as e:
        raise InvalidSetting(
            f"{file} cannot be used: {e!r}.",
            "It must be JSON with one 'hosting' object in the schema of Firebase.",
        ) from e
    if not site.public.is_dir():
        raise InvalidSetting(f"{file}: the public folder {site.public} is not there.", "Create it.")
    return site


def _function_id(rule: Mapping[str, Any], functions: Collection[str]) -> str:
    # A function is a Cloud Run service of the same name. Named as one, Hosting finds it whoever
    # deploys the site; named as a function, only if that account may list functions.
    name = str(rule["run"]["serviceId"])
    if name not in functions:
        raise InvalidSetting(
            f"firebase.json: the rewrite of {rule['source']} names the service {name!r}.",
            f"Name one of {', '.join(sorted(functions))}.",
        )
    return name


def compile_glob(source: str) -> re.Pattern[str]:
    """Compile a Firebase glob for whole URL paths: `?` is one character and `*` any number within
    a folder, `**` anything, `**/` any folders or none. The leading `/` may be left out.

    Raises: InvalidSetting for the rest of extglob, which is not played here.
    """
    if found := re.search(r"[\[\](){}!+@]", source):
        raise InvalidSetting(
            f"firebase.json: the pattern {source!r} has {found[0]!r}.",
            "Use only *, ** and ?; write a second rule for an alternative.",
        )
    regex = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", source.removeprefix("/"))
    return re.compile("/" + "".join(regex.get(part) or re.escape(part) for part in parts), re.S)


class Hosting:
    """Middleware that answers every HTTP request from a `Site` and its functions.

    A function gets the request as it came: the whole path, the body not yet read. `app` gets only
    what is not HTTP.
    """

    def __init__(self, app: ASGIApp, site: Site, functions: Mapping[str, ASGIApp]) -> None:
        self._app = app
        self._site = site
        self._functions = functions
        self._root = site.public.resolve()
        self._files = StaticFiles(directory=self._root)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        response = self._static(path, scope) if scope["method"] in ("GET", "HEAD") else None
        if response is None:
            for pattern, name in self._site.rewrites:
                if pattern.fullmatch(path):
                    await self._functions[name](scope, receive, send)
                    return
            response = self._not_found()
        response.headers["cache-control"] = "no-cache"  # so that an edit shows on reload
        for pattern, headers in self._site.headers:
            if pattern.fullmatch(path):
                response.headers.update(headers)
        await response(scope, receive, send)

    def _static(self, path: str, scope: Scope) -> Response | None:
        if path == _PROJECT_PATH:
            return JSONResponse({})
        name = path.removeprefix("/") + ("index.html" if path.endswith("/") else "")
        found = self._lookup(name)
        if found is None:
            return None
        full, status = found
        if stat.S_ISREG(status.st_mode):
            return self._files.file_response(full, status, scope)
        if self._lookup(f"{name}/index.html") is None:
            return None
        query = scope["query_string"].decode("latin-1")
        return RedirectResponse(quote(path) + "/" + (f"?{query}" if query else ""), 301)

    def _not_found(self) -> Response:
        found = self._lookup("404.html")
        return FileResponse(found[0], 404) if found else HTMLResponse(_NOT_FOUND, 404)

    def _lookup(self, name: str) -> tuple[str, os.stat_result] | None:
        """Find a file or folder that is inside the public folder, links followed, and neither
        ignored nor in an ignored folder.
        """
        try:
            full, status = self._files.lookup_path(name)
        except (OSError, ValueError):  # a name too long, a NUL, no permission
            return None
        if status is None:
            return None
        real = Path(full).relative_to(self._root)
        for prefix in accumulate(("", *real.parts), "{}/{}".format):
            if any(pattern.fullmatch(prefix) for pattern in self._site.ignore):
                return None
        return full, status
