"""`make doctor`, `deploy`, `destroy` and `rollback` with gcloud and Terraform played by scripts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from console import Answer
from doctor import examine
from needs import PERMISSIONS, SERVICES

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "infra/deploy"
FAKE = f"""#!{sys.executable}
# Notes how it was called; answers by the first rule whose words are all in the call.
import json, os, sys
here = os.path.dirname(sys.argv[0])
call = " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])
open(os.path.join(here, "calls"), "a").write(call + "\\n")
for words, status, text in json.load(open(os.path.join(here, "rules.json"))):
    if all(word in call for word in words.split()):
        print(text, file=sys.stderr if status else sys.stdout)
        sys.exit(status)
"""
LOGGED_IN: list[tuple[str, int, str]] = [
    ("auth list", 0, "ann@example.org"),
    ("print-access-token", 0, "token"),
    ("terraform version", 0, "Terraform v1.11.4"),
]


class Machine:
    """A machine that has nothing but these fakes and Python."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.answer([])

    def install(self, *names: str) -> None:
        for name in names:
            (self._folder / name).write_text(FAKE)
            (self._folder / name).chmod(0o755)

    def answer(self, rules: list[tuple[str, int, str]]) -> None:
        (self._folder / "rules.json").write_text(json.dumps(rules))
        (self._folder / "calls").write_text("")

    def calls(self) -> str:
        return (self._folder / "calls").read_text()

    def run(self, script: str, *given: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, SCRIPTS / script, *given],
            env={"PATH": str(self._folder)}, cwd=self._folder,
            input=typed, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    folder = tmp_path / "bin"
    folder.mkdir()
    return Machine(folder)


# The doctor


def test_on_a_machine_with_nothing_the_doctor_says_what_to_install(machine: Machine) -> None:
    done = machine.run("doctor.py")
    assert done.returncode == 1
    assert "gcloud, is not installed.\n    Install it: https://" in done.stdout
    assert "Terraform is not installed.\n    sh infra/deploy/install_terraform.sh" in done.stdout
    assert done.stderr == ""


def test_make_doctor_needs_nothing_but_make_and_python(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "bin/python3").symlink_to(sys.executable)
    done = subprocess.run(
        ["/usr/bin/make", "--no-print-directory", "doctor"],
        env={"PATH": str(tmp_path / "bin")}, cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0
    assert "gcloud, is not installed" in done.stdout


@pytest.mark.parametrize(
    ("rules", "project", "sentence", "remedy"),
    [
        ([], "", "Nobody is logged in", "gcloud auth login"),
        (LOGGED_IN, "", "No project is named", "make doctor PROJECT=…"),
        (
            [*LOGGED_IN, ("projects describe", 1, "ERROR: may not exist")],
            "p", "finds no project p in service: ERROR: may not exist", "gcloud projects create p",
        ),
    ],
)  # fmt: skip
def test_the_doctor_names_what_comes_first(
    machine: Machine,
    rules: list[tuple[str, int, str]],
    project: str,
    sentence: str,
    remedy: str,
) -> None:
    machine.install("gcloud", "terraform")
    machine.answer(rules)
    done = machine.run("doctor.py", "--project", project)
    assert done.returncode == 1
    assert sentence in done.stdout
    assert remedy in done.stdout


def asked(**changed: str) -> Any:
    """A gcloud of a project that has everything, but for what is `changed`."""
    out = {
        "auth list": "ann@example.org",
        "print-access-token": "token",
        "billing": "True",
        "projects describe": "ACTIVE",
        "services": "\n".join(f"{name}.googleapis.com" for name in SERVICES),
        "terraform": "Terraform v1.11.4",
    } | {name.replace("_", " "): text for name, text in changed.items()}

    def ask(*command: str) -> Answer:
        call = " ".join(command)
        found = next((text for words, text in out.items() if words in call), "")
        return Answer(True, found, "")

    return ask


def fetched(**changed: Any) -> Any:
    """Google's APIs for a person who may do everything in a Firebase project."""

    def fetch(url: str, token: str, *, body: Any = None, payer: str | None = None) -> Any:
        if "testIamPermissions" in url:
            return changed.get("may", body)
        return changed.get("firebase", {"projectId": "p"})

    return fetch


def test_nothing_is_missing_where_everything_is_there() -> None:
    assert list(examine("p", asked(), fetched())) == []


@pytest.mark.parametrize(
    ("ask", "fetch", "sentence", "yours"),
    [
        (asked(billing="False"), fetched(), "has no billing account", True),
        (asked(terraform="Terraform v1.5.7"), fetched(), "Terraform is 1.5; 1.11", True),
        (asked(services="run.googleapis.com"), fetched(), "APIs are not enabled", False),
        (asked(), fetched(firebase=None), "is no Firebase project yet", False),
        (asked(), fetched(may=None), "did not say what ann@example.org may do", True),
        (
            asked(), fetched(may={"permissions": [*PERMISSIONS][1:]}),
            "may not artifactregistry.repositories.create", True,
        ),
    ],
)  # fmt: skip
def test_one_thing_missing_is_one_sentence(
    ask: Any, fetch: Any, sentence: str, yours: bool
) -> None:
    (lack,) = examine("p", ask, fetch)
    assert sentence in lack.sentence
    assert lack.yours is yours


# Deploying, rolling back, destroying

DEPLOY = """
import sys
sys.path.insert(0, sys.argv.pop(1))
import deploy
deploy.examine = lambda *_: []
deploy.main()
"""
OUTPUTS = ("page_url", "admin_token_secret", "inbox_bucket", "dashboard_url")
RELEASE = json.dumps({"outputs": {name: {"value": f"<{name}>"} for name in OUTPUTS}})


def deploy(machine: Machine, folder: Path) -> subprocess.CompletedProcess[str]:
    given = ["--project", "p", "--region", "europe-west1", "--revision", "abc"]
    return subprocess.run(
        [sys.executable, "-c", DEPLOY, str(SCRIPTS), *given],
        env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    "fault", ["services enable", "buckets create", "foundation init", "foundation apply", "submit"]
)
def test_a_deployment_that_failed_says_what_to_do_and_completes_when_run_again(
    machine: Machine, tmp_path: Path, fault: str
) -> None:
    machine.install("gcloud", "terraform")
    absent = ("buckets describe", 1, "ERROR: not found")
    good = [*LOGGED_IN, ("storage cat", 0, RELEASE)]
    machine.answer([(fault, 1, "ERROR: no"), absent, *good])
    failed = deploy(machine, tmp_path / "bin")
    assert failed.returncode == 1
    assert "run" in failed.stderr.splitlines()[-1]
    machine.answer(good)
    done = deploy(machine, tmp_path / "bin")
    assert done.returncode == 0, done.stderr
    assert "The page      <page_url>" in done.stdout
    assert "buckets create" not in machine.calls()
    assert "--service-account=projects/p/serviceAccounts/ocellus-builder@p." in machine.calls()


def test_destroying_asks_for_the_projects_name(machine: Machine) -> None:
    machine.install("gcloud", "terraform")
    machine.answer(LOGGED_IN)
    done = machine.run("destroy.py", "--project", "p", "--region", "r", typed="q\n")
    assert done.returncode == 1
    assert "Nothing was removed" in done.stderr
    assert machine.calls() == ""


def test_nothing_to_roll_back_to_is_said(machine: Machine) -> None:
    machine.install("gcloud")
    machine.answer([("storage cat", 1, "ERROR: not found")])
    done = machine.run("release.py", "bring-back", "--project", "p")
    assert done.returncode == 1
    assert "nothing to roll back to" in done.stderr


def test_a_release_that_was_kept_is_named_whole(machine: Machine, tmp_path: Path) -> None:
    machine.install("gcloud")
    build = tmp_path / "bin/.build"
    build.mkdir()
    (build / "functions.zip").write_bytes(b"zip")
    (build / "trainer_image").write_text("host/trainer@sha256:1\n")
    (build / "hosting.json").write_text('make: …\n{"hosting": "sites/p/versions/7f"}')
    (build / "outputs.json").write_text("{}")
    done = machine.run("release.py", "keep", "--project", "p")
    assert done.returncode == 0, done.stderr
    record = json.loads((build / "release.json").read_text())
    assert (record["site"], record["trainer_image"]) == (
        "sites/p/versions/7f",
        "host/trainer@sha256:1",
    )
    archive, written = machine.calls().splitlines()
    assert archive.endswith("gs://p-ocellus-terraform/released/functions.zip")
    assert written.endswith("gs://p-ocellus-terraform/released/release.json")
