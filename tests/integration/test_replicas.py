"""The replicas, nginx and the trainer of compose.yaml on one data folder."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import composed
import httpx
import load
import pytest
from composed import SERVICES, Container, environment, free_port, nginx_config
from drawings import stripes
from server import until

REPLICAS = int(SERVICES["functions"]["deploy"]["replicas"])


class Deployment:
    """All that `docker compose up` starts, but the trainer."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.data, self._folder, self._stack = folder / "data", folder, stack
        self.ports = [free_port() for _ in range(REPLICAS)]
        self.replicas = [self.start_replica(port) for port in self.ports]
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        config = folder / "nginx.conf"
        config.write_text(nginx_config(port, self.ports))
        places = {"/tmp/": f"{folder}/", "/etc/ocellus/nginx.conf": str(config)}
        for replica in self.ports:
            until(lambda p=replica: self.healthy(f"http://127.0.0.1:{p}"), 60, "a replica")
        self.nginx = Container("nginx", folder / "nginx.log", places, {})
        stack.callback(self.nginx.stop)
        headers = {"Authorization": f"Bearer {composed.TOKEN}"}
        self.http = stack.enter_context(
            httpx.Client(base_url=self.url, headers=headers, timeout=60)
        )
        until(lambda: self.healthy(self.url), 10, "nginx")

    def start_replica(self, port: int) -> Container:
        environ = environment("functions") | {"OCELLUS_DATA_DIR": str(self.data)}
        log = self._folder / f"{port}.log"
        replica = Container("functions", log, {"8080": str(port)}, environ)
        self._stack.callback(replica.stop)
        return replica

    def start_trainer(self) -> Container:
        environ = {"OCELLUS_DATA_DIR": str(self.data)}
        trainer = Container("trainer", self._folder / "trainer.log", {}, environ)
        self._stack.callback(trainer.stop)
        return trainer

    def healthy(self, url: str) -> bool:
        try:
            return httpx.get(f"{url}/api/health").is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:
        return self.http.get(path).raise_for_status().json()


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    if composed.NGINX is None:
        missing = "nginx is not installed (Debian, Ubuntu: apt-get install nginx-light)."
        if os.environ.get("ALLOW_MISSING_SERVICES") == "1":
            pytest.skip(missing)
        pytest.fail(f"{missing} Or leave its tests out with ALLOW_MISSING_SERVICES=1.")
    with ExitStack() as stack:
        yield Deployment(tmp_path_factory.mktemp("replicas"), stack)


def test_a_replica_killed_under_load_costs_no_request(deployment: Deployment) -> None:
    """Requests to predict that were on their way there are asked of another replica. Only an
    answer of which nginx has sent on the head already cannot be taken back: a replica writes one
    at a time, so there is at most that one.
    """
    answers, enough = load.Answers(), threading.Event()
    arguments = ([deployment.url], stripes(1), 24, lambda: not enough.is_set(), answers)
    loader = threading.Thread(target=load.predict, args=arguments)
    loader.start()
    try:
        until(lambda: answers.count > 500, 30, "a steady load")
        deployment.replicas[0].kill()
        at_the_end = answers.count + 1000
        until(lambda: answers.count > at_the_end, 30, "answers of the others")
        deployment.replicas[0] = deployment.start_replica(deployment.ports[0])
        back = f"http://127.0.0.1:{deployment.ports[0]}"
        until(lambda: deployment.healthy(back), 30, "the replica again")
    finally:
        enough.set()
        loader.join()
    told = deployment.nginx.log.read_text()
    assert f'upstream: "http://127.0.0.1:{deployment.ports[0]}/api/predict"' in told
    cut_off = answers.statuses.pop(0, 0)
    assert set(answers.statuses) == {200}
    assert cut_off <= 1
    print(f"{answers.count} answers, {cut_off} cut off")


def test_what_is_dropped_before_all_replicas_is_taken_once(deployment: Deployment) -> None:
    folder = deployment.data / "inbox" / "stripes"
    folder.mkdir(parents=True)
    for seed in range(30):
        (folder / f"{seed}.png").write_bytes(stripes(seed))
    until(lambda: not any(f.is_file() for f in folder.parent.rglob("*")), 30, "an empty inbox")
    assert deployment.get("/api/samples")["labels"] == {
        "stripes": {"train": 26, "holdout": 4, "set_aside": 0}
    }
    assert "rejected" not in {event["action"] for event in deployment.get("/api/history")["events"]}


def test_the_waiting_trainer_takes_what_one_replica_asks_and_leaves_what_another_cancels(
    deployment: Deployment,
) -> None:
    trainer = deployment.start_trainer()
    one, another = (f"http://127.0.0.1:{port}" for port in deployment.ports[:2])
    run = deployment.http.post(f"{one}/api/retrain", json={"mode": "quick"}).json()
    assert run["status"] == "queued"
    until(lambda: deployment.get("/api/retrain/status")["run"]["status"] == "running", 60, "it")
    cancelled = deployment.http.post(f"{another}/api/retrain/cancel")
    assert cancelled.raise_for_status().json()["status"] == "cancelled"
    assert trainer.process.wait(60) == 1
    assert "The run cannot go on" in trainer.log.read_text()
