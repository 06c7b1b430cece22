"""Jobs as executions of one Cloud Run job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import google.auth
from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import AuthorizedSession

from ocellus.errors import InvalidSetting, StoreUnavailable
from ocellus.runs import parse_run_id

API_ROOT = "https://run.googleapis.com/v2"
TIMEOUT_S = 20.0
DEADLINE_S = 20.0
"""After which nothing is tried again."""
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_PAGE_SIZE = 100
# Source: https://cloud.google.com/storage/docs/retry-strategy#client-libraries
_PASSING = (408, 429, 500, 502, 503, 504)


class _PassingFault(StoreUnavailable):
    """Worth another try at once."""


class CloudRunJobs:
    """Each trainer is an execution of one Cloud Run job, its container's arguments `--run r7`.

    Those arguments, which an execution's template keeps, tell whose trainer it is, so any process
    may cancel it. A cancelled trainer gets SIGTERM, and SIGKILL ten seconds later.

    A start whose answer was lost may start two trainers; the run's lease lets one work.

    Source: https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.jobs
    """

    def __init__(
        self,
        project: str | None,
        region: str,
        job: str,
        *,
        emulator: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """`project` and `credentials` None: the environment's. `emulator` is the API root of a
        stand-in, which needs neither. Nothing is sent to Cloud Run before the first call.

        Raises: InvalidSetting if no project or no credentials are to be had.
        """
        self._api_root = emulator or API_ROOT
        if emulator and credentials is None:
            credentials = AnonymousCredentials()
        try:
            if credentials is None:
                credentials, found = google.auth.default(_SCOPES)
                project = project or found
        except (GoogleAuthError, OSError) as e:
            raise InvalidSetting(
                f"No credentials for Cloud Run: {e}",
                "Set GOOGLE_APPLICATION_CREDENTIALS to a key file, or run"
                " `gcloud auth application-default login`.",
            ) from e
        if not project:
            raise InvalidSetting(
                "The training job's project is not known.", "Set OCELLUS_PROJECT to it."
            )
        self._job = f"projects/{project}/locations/{region}/jobs/{job}"
        self._session = AuthorizedSession(credentials)
        self._retry = Retry(if_exception_type(_PassingFault), initial=0.2, timeout=DEADLINE_S)

    def start(self, run_id: str) -> None:
        overrides = {"containerOverrides": [{"args": _arguments(run_id)}]}
        self._call("POST", f"{self._job}:run", json={"overrides": overrides})

    def cancel(self, run_id: str) -> None:
        arguments = _arguments(run_id)
        for name in list(self._going(arguments)):
            try:
                self._call("POST", f"{name}:cancel", json={})
            except StoreUnavailable:
                if name in self._going(arguments):
                    raise  # else it ended by itself meanwhile

    def _going(self, arguments: list[str]) -> Iterator[str]:
        """Yield the names of the executions with these arguments that have not ended."""
        params = {"pageSize": str(_PAGE_SIZE)}
        while True:
            page = self._call("GET", f"{self._job}/executions", params=params)
            for execution in page.get("executions", []):
                containers = execution["template"]["containers"]
                if "completionTime" not in execution and any(
                    container.get("args") == arguments for container in containers
                ):
                    yield execution["name"]
            if not page.get("nextPageToken"):
                return
            params["pageToken"] = page["nextPageToken"]

    def _call(self, method: str, path: str, **content: Any) -> Any:
        """Return the JSON of the answer. Raises: StoreUnavailable."""
        try:
            return self._retry(self._send)(method, path, **content)
        except RetryError as e:
            last = e.cause
            assert isinstance(last, _PassingFault)
            raise StoreUnavailable(last.detail, last.remedy) from e

    def _send(self, method: str, path: str, **content: Any) -> Any:
        """Raises: _PassingFault, StoreUnavailable."""
        try:
            response = self._session.request(
                method, f"{self._api_root}/{path}", timeout=TIMEOUT_S, **content
            )
        except (OSError, TransportError) as e:  # those of requests are OSErrors
            raise _PassingFault(
                f"Cloud Run cannot be reached for {self._job}: {e}.", "Try again."
            ) from e
        except GoogleAuthError as e:
            raise self._refused(str(e)) from e
        if response.ok:
            return response.json()
        fault = f"{response.status_code} {_message(response)}"
        if response.status_code in (401, 403):
            raise self._refused(fault)
        if response.status_code == 404:
            raise StoreUnavailable(
                f"There is no Cloud Run job {self._job}: {fault}.",
                "Deploy it, or set the right project, region and job.",
            )
        kind = _PassingFault if response.status_code in _PASSING else StoreUnavailable
        raise kind(
            f"Cloud Run answered {fault} for {self._job}.",
            "Try again; if it persists, look at the job's page in the console.",
        )

    def _refused(self, fault: str) -> StoreUnavailable:
        return StoreUnavailable(
            f"Cloud Run refuses access to {self._job}: {fault}.",
            "Give this service account the roles roles/run.jobsExecutorWithOverrides and"
            " roles/run.viewer on the job.",
        )


def _arguments(run_id: str) -> list[str]:
    parse_run_id(run_id)
    return ["--run", run_id]


def _message(response: Any) -> str:
    """Return what an error answer says: Google's sentence, or a proxy's words."""
    try:
        return str(response.json()["error"]["message"]).rstrip(".")
    except (ValueError, KeyError, TypeError):
        return str(response.reason)
