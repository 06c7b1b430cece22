"""How near comes the deployed function to a bare loop of decode and invoke, and who comes nearer?

On one machine, client and server sharing its cores, one model and one 32 x 32 JPEG:

- a bare loop of decode and invoke in two processes, no server: once with Ocellus's decoder, once
  with Pillow;
- `predict` started by functions-framework as deployed (async, 1 worker), an instance for each CPU,
  the image as raw body and as multipart;
- FastAPI on uvicorn, as its tutorial writes it, an instance for each CPU: raw body and multipart;
- a plain function of the same model in the functions framework's default (sync, threads).

They take turns for a few seconds each, so that a ratio is of one run on one machine. The CPU time
of a request is that of the server's processes alone. Each instance gets its share of 50
connections, as a load balancer would give it: workers of one server share a socket, and of 50
connections at once the first worker awake takes what it can, between 0 and 50.

    pip install --no-deps --target RIVALS -r loadtest/requirements.txt
    python loadtest/throughput.py --rivals RIVALS [--model FOLDER] [--seconds 4] [--rounds 3]

Needs wrk (Debian: apt-get install wrk).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from stages import multipart, photograph, raw

HERE, ROOT = Path(__file__).parent, Path(__file__).parents[1]
INSTANCES = 2
SEED = ROOT / "models" / "v1"


@dataclass(frozen=True)
class Turn:
    """What one contestant did in one turn. Latencies and CPU time in ms; `failed` requests."""

    per_s: float
    cpu_ms: float
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    failed: int = 0


@contextmanager
def started(command: list[str], environ: dict[str, str], image: bytes) -> Iterator[tuple[int, str]]:
    """Run a server that finds its port in PORT; give its pid and URL once all workers are warm."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [part.replace("PORT", port) for part in command],
        env=os.environ | environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=HERE,
    )
    url = f"http://127.0.0.1:{port}/api/predict"
    try:
        for _ in range(300):
            time.sleep(0.1)
            try:
                answers = [httpx.post(url, content=image) for _ in range(40)]
            except httpx.TransportError:
                continue
            assert {a.status_code for a in answers} == {200}, answers[0].text
            break
        yield process.pid, url
    finally:
        process.terminate()
        process.wait(30)


def cpu_s(pid: int) -> float:
    """CPU seconds that a process and its children have used."""
    process = psutil.Process(pid)
    times = [p.cpu_times() for p in [process, *process.children(recursive=True)]]
    return float(sum(t.user + t.system for t in times))


def ask(instances: list[tuple[int, str]], request: bytes, seconds: float) -> Turn:
    """Have wrk send the request over 50 connections, an equal share to each (pid, URL)."""
    head, _, body = request.partition(b"\r\n\r\n")
    content_type = head.decode().partition("Content-Type: ")[2]
    ports = ", ".join(f'"{urlsplit(url).port}"' for _, url in instances)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "body").write_bytes(body)
        script = Path(folder) / "post.lua"
        script.write_text(
            f'wrk.method = "POST"\nlocal f = io.open("{folder}/body", "rb")\n'
            f'wrk.body = f:read("*a")\nwrk.headers["Content-Type"] = "{content_type}"\n'
            f"local ports, threads = {{{ports}}}, 0\n"
            "setup = function(thread)\n"
            "  threads = threads + 1\n"
            '  thread.addr = wrk.lookup("127.0.0.1", ports[threads])[1]\nend\n'
            "done = function(summary, latency, requests)\n"
            "  local e = summary.errors\n"
            '  print(string.format("RESULT %d %d %d %d %d", summary.requests, summary.duration,\n'
            "    latency:percentile(50), latency:percentile(99),\n"
            "    e.connect + e.read + e.write + e.status + e.timeout))\nend\n"
        )
        before = sum(cpu_s(pid) for pid, _ in instances)
        output = subprocess.run(
            ["wrk", f"-t{len(instances)}", "-c50", f"-d{seconds:.0f}", "-s", str(script)]
            + [instances[0][1]],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        used_s = sum(cpu_s(pid) for pid, _ in instances) - before
    found = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+) (\d+)", output)
    assert found is not None, output
    count, took_us, p50_us, p99_us, failed = map(int, found.groups())
    return Turn(count / took_us * 1e6, used_s / count * 1e3, p50_us / 1e3, p99_us / 1e3, failed)


def loop(with_pillow: bool, image: bytes, seconds: float) -> tuple[int, float]:
    """Decode and invoke for so long; return how often, and the CPU seconds."""
    import io

    import numpy as np
    from PIL import Image

    from ocellus.images import decode
    from ocellus.runtime import SERVED, Session

    def pillow() -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(image)).convert("RGB").resize((32, 32)))

    session = Session((Path(os.environ["OCELLUS_SEED_DIR"]) / SERVED).read_bytes())
    read = pillow if with_pillow else partial(decode, image, 32, 32)
    session.logits(read())
    count, cpu, end = 0, time.process_time(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        session.logits(read())
        count += 1
    return count, time.process_time() - cpu


def bare(with_pillow: bool, image: bytes, seconds: float) -> Turn:
    with multiprocessing.get_context("spawn").Pool(INSTANCES) as pool:
        found = pool.starmap(loop, [(with_pillow, image, seconds)] * INSTANCES)
    count = sum(n for n, _ in found)
    return Turn(count / seconds, sum(cpu for _, cpu in found) / count * 1e3)


def framework(source: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "functions_framework", "--source", str(source)]
    return [*command, "--target", "predict", "--host", "127.0.0.1", "--port", "PORT", *more]


def contestants(stack: ExitStack, data: Path, rivals: Path) -> dict[str, Callable[[float], Turn]]:
    """Start every server, and return who takes a turn of so many seconds."""
    image = photograph(32, 32)
    fastapi = [sys.executable, "-m", "uvicorn", "fastapi_predict:app", "--host", "127.0.0.1"]
    fastapi += ["--port", "PORT", "--log-level", "error", "--no-access-log"]

    def instances(count: int, command: list[str], **environ: str) -> list[tuple[int, str]]:
        return [stack.enter_context(started(command, environ, image)) for _ in range(count)]

    deployed = framework(ROOT / "functions" / "main.py", "--asgi")
    ocellus = instances(INSTANCES, deployed, OCELLUS_DATA_DIR=str(data))
    default = instances(1, framework(HERE / "plain_predict.py"))
    rival = instances(INSTANCES, fastapi, PYTHONPATH=f"{rivals}{os.pathsep}{ROOT / 'functions'}")
    rival_of_forms = [(pid, f"{url}/form") for pid, url in rival]
    return {
        "bare loop, Ocellus's decode": partial(bare, False, image),
        "bare loop, Pillow": partial(bare, True, image),
        "Ocellus, raw body": partial(ask, ocellus, raw(image)),
        "Ocellus, multipart": partial(ask, ocellus, multipart(image)),
        "functions-framework default": partial(ask, default, raw(image)),
        "FastAPI + uvicorn, raw body": partial(ask, rival, raw(image)),
        "FastAPI + uvicorn, multipart": partial(ask, rival_of_forms, multipart(image)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=4, help="of a turn")
    parser.add_argument("--rounds", type=int, default=3, help="of turns")
    parser.add_argument("--model", type=Path, default=SEED, metavar="FOLDER")
    parser.add_argument("--rivals", type=Path, required=True, help="where FastAPI is installed")
    given = parser.parse_args()
    os.environ["OCELLUS_SEED_DIR"] = str(given.model.absolute())
    if shutil.which("wrk") is None:
        sys.exit("This needs wrk: install it first (Debian, Ubuntu: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        players = contestants(stack, Path(folder), given.rivals.absolute())
        turns: dict[str, list[Turn]] = {name: [] for name in players}
        for _ in range(given.rounds):
            for name, play in players.items():
                turns[name].append(play(given.seconds))
    columns = ["images/s", "of bare", "of bare, Pillow", "CPU-ms", "× bare", "× bare, Pillow"]
    print("|".join(["", "", *columns, "p50 ms", "p99 ms", "failed", ""]))
    print("|---|" + "---:|" * 9)
    best, pillow = turns["bare loop, Ocellus's decode"], turns["bare loop, Pillow"]
    for name, mine in turns.items():
        print(f"| {name} | {_median(t.per_s for t in mine):.0f} ", end="")
        for other in (best, pillow):
            shares = (a.per_s / b.per_s for a, b in zip(mine, other, strict=True))
            print(f"| {100 * _median(shares):.0f} % ", end="")
        print(f"| {_median(t.cpu_ms for t in mine):.3f} ", end="")
        for other in (best, pillow):
            times = (a.cpu_ms / b.cpu_ms for a, b in zip(mine, other, strict=True))
            print(f"| {_median(times):.2f} ", end="")
        p50, p99 = _median(t.p50_ms for t in mine), _median(t.p99_ms for t in mine)
        print(f"| {p50:.1f} | {p99:.1f} | {sum(t.failed for t in mine)} |" if p50 else "| | | |")


def _median(values: Iterator[float]) -> float:
    return statistics.median(values)


if __name__ == "__main__":
    main()
