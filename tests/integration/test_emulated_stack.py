"""The whole loop on the emulators, each part in a process of its own, as in deployment.

The tests share one stack and run in order: a prediction, a drop, a run, the end.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from drawings import blobs, stripes
from emulators.stack import BUCKET, INBOX_BUCKET, PROJECT, EmulatedStack
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from server import until

from ocellus.errors import InvalidSetting

ENVIRON = {
    "OCELLUS_RETRAIN_THRESHOLD": "60",
    "OCELLUS_REFRESH_S": "0.5",
    "OCELLUS_TICK_S": "0.5",
}
LAUNCHER = Path(__file__).parents[1] / "run_emulated.py"


@pytest.fixture(scope="module")
def stack(
    firestore_installed: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatedStack]:
    stack = EmulatedStack(tmp_path_factory.mktemp("stack"), ENVIRON)
    yield stack
    stack.stop()


@pytest.fixture
def http(stack: EmulatedStack) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {stack.token}"}
    with httpx.Client(base_url=stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def inbox(stack: EmulatedStack) -> Iterator[storage.Bucket]:
    client = storage.Client(
        PROJECT, AnonymousCredentials(), client_options={"api_endpoint": stack.storage.url}
    )
    yield client.bucket(INBOX_BUCKET)
    client.close()


def get(http: httpx.Client, path: str) -> Any:
    return http.get(path).raise_for_status().json()


def alive(process: psutil.Process) -> bool:
    try:  # an orphan's zombie may lie about for as long as nobody reaps it
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_the_seed_model_answers_a_prediction(http: httpx.Client) -> None:
    answer = http.post("/api/predict", content=stripes(0))
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == "v1"


def test_the_page_may_reach_the_emulators_and_is_told_of_them(
    http: httpx.Client, stack: EmulatedStack
) -> None:
    told = get(http, "/__/firebase/init.json")
    assert told["projectId"] == PROJECT
    assert told["firestoreEmulatorHost"] == stack.environ["FIRESTORE_EMULATOR_HOST"]
    policy = http.get("/").raise_for_status().headers["content-security-policy"]
    allowed = re.findall(r"connect-src ([^;]+)", policy)[0].split()
    assert {"'self'", f"http://{told['firestoreEmulatorHost']}", stack.storage.url} <= {*allowed}


def test_an_upload_needs_the_token(stack: EmulatedStack) -> None:
    files = {"file": ("a.png", stripes(0))}
    path = f"{stack.url}/api/upload/training-data"
    answer = httpx.post(path, data={"label": "stripes"}, files=files)
    assert answer.status_code == 401


def test_an_upload_and_a_drop_start_one_run_whose_version_goes_live(
    http: httpx.Client, inbox: storage.Bucket
) -> None:
    old = [("file", (f"{i}.png", blobs(i))) for i in range(30)]
    results = http.post("/api/predict/batch", files=old).raise_for_status().json()["results"]
    for (_, file), result in zip(old, results, strict=True):  # the labels are old ones and fit
        data = {"label": result["label"]}
        http.post("/api/upload/training-data", data=data, files={"file": file}).raise_for_status()
    assert get(http, "/api/samples")["count"] == 30
    assert get(http, "/api/runs")["runs"] == []

    for i in range(30):
        inbox.blob(f"stripes/{i}.png").upload_from_string(stripes(i), "image/png")
    until(lambda: get(http, "/api/samples")["count"] == 60, 60, "the drop to be filed")
    assert list(inbox.list_blobs()) == []

    def ended() -> Any:
        run = get(http, "/api/retrain/status")["run"]
        return run if run and run["status"] not in ("queued", "running") else None

    run = until(ended, 180, "the run")
    assert run["status"] == "promoted", run["message"]
    assert [r["id"] for r in get(http, "/api/runs")["runs"]] == [run["id"]]
    until(lambda: get(http, "/api/health")["serving"] == run["version"], 30, run["version"])
    answer = http.post("/api/predict", content=stripes(1000)).raise_for_status().json()
    assert answer["version"] == run["version"]
    assert "stripes" in [p["label"] for p in answer["probabilities"]]


@pytest.fixture(scope="module")
def processes(stack: EmulatedStack) -> list[psutil.Process]:
    """The stack's functions and their workers."""
    children = psutil.Process().children(recursive=True)
    return [p for p in children if p.environ().get("OCELLUS_BUCKET") == BUCKET]


def test_a_process_that_ends_by_itself_is_named(
    stack: EmulatedStack, processes: list[psutil.Process]
) -> None:
    assert stack.fallen() == []
    stack.functions["on_tick"].process.kill()  # its worker stays, for the next test
    stack.functions["on_tick"].process.wait(20)
    assert stack.fallen() == ["on_tick"]


def test_a_stopped_stack_leaves_nothing_behind(
    stack: EmulatedStack, processes: list[psutil.Process]
) -> None:
    assert len(processes) >= 8
    stack.stop()
    until(lambda: not any(map(alive, processes)), 20, "its processes to end")
    assert stack.firestore.process.poll() is not None
    with pytest.raises(httpx.ConnectError):
        httpx.get(stack.url)


def test_a_taken_port_is_said_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting, match=f"cannot listen on port {port}"):
            EmulatedStack(tmp_path, port=port)


@pytest.mark.usefixtures("firestore_installed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_launcher(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, str(LAUNCHER), "--port", "0"]
    environ = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as launcher:
        assert launcher.stdout is not None
        started = psutil.Process(launcher.pid)
        line = next(line for line in launcher.stdout if line.startswith("Ocellus is at"))
        url = re.findall(r"http://127\.0\.0\.1:\d+", line)[0]
        assert httpx.get(url).status_code == 200
        children = started.children(recursive=True)
        assert len(children) >= 14  # the emulator, four functions, a worker each, five lifelines
        launcher.send_signal(number)
        launcher.stdout.read()
    until(lambda: not any(map(alive, children)), 20, "its processes to end")
