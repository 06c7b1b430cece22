"""Terraform on the person's machine, with the login of gcloud and the state in its bucket."""

from __future__ import annotations

from collections.abc import Mapping

from console import ask, do, give_up
from needs import state_bucket

_RETRY = (
    "Mend what it says and run the same command again: it goes on where it stopped. If the state"
    " is locked and no build is running: terraform -chdir={root} force-unlock ID"
)


def terraform(root: str, prefix: str, project: str, *command: str) -> None:
    """Initialise the root folder with the state at `prefix` and run a command there. Exits with
    what to do if one fails.
    """
    environ = login(project)
    remedy = _RETRY.format(root=root)
    bucket = f"-backend-config=bucket={state_bucket(project)}"
    init = ["init", "-input=false", "-reconfigure", bucket, f"-backend-config=prefix={prefix}"]
    for step in (init, [*command, "-input=false", "-lock-timeout=10m"]):
        do(["terraform", f"-chdir={root}", *step], remedy, environ)


def login(project: str) -> Mapping[str, str]:
    """Return the login of gcloud as Terraform reads it, so that no second one is asked for. Exits
    with what to do if there is none.
    """
    token = ask("gcloud", "auth", "print-access-token", f"--project={project}")
    if not token.ok:
        give_up("The login to gcloud has expired.", "gcloud auth login, then run this again")
    return {"GOOGLE_OAUTH_ACCESS_TOKEN": token.out}
