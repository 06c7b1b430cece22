"""The README's examples of predicting, run as they are written there."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest
from drawings import stripes
from pictures import zipped
from PIL import Image
from server import Server

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SECTION = README.partition("\n## Predict\n")[2].partition("\n## ")[0]
ADDRESS = "127.0.0.1:8080"


def commands() -> list[str]:
    """The shell commands, one that runs over several lines as one."""
    blocks = re.findall(r"```sh\n(.*?)```", SECTION, re.S)
    lines = re.split(r"(?<![\\|])\n", "".join(blocks))
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the README's files beside it."""
    folder = tmp_path_factory.mktemp("readme")
    image = Image.open(io.BytesIO(stripes(1)))
    image.save(folder / "ship.jpg")
    image.save(folder / "cat.png")
    (folder / "photos.zip").write_bytes(zipped(("a.png", stripes(2)), ("b/c.png", stripes(3))))
    server = Server(folder / "data", {}).start()
    yield server
    server.stop()


def run(server: Server, command: list[str]) -> str:
    done = subprocess.run(
        command, cwd=server.data.parent, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_of_curl_work_as_written(server: Server) -> None:
    address = server.url.removeprefix("http://")
    answers = []
    for command in commands():
        assert "curl " not in command or ADDRESS in command
        if output := run(server, ["bash", "-ec", command.replace(ADDRESS, address)]):
            answers.append([orjson.loads(line) for line in output.splitlines()])
    body, form, instances, tf_serving, several, streamed, model, inferred = answers
    assert body[0]["label"] == form[0]["label"] == instances[0]["predictions"][0]["label"]
    assert tf_serving[0]["predictions"] == instances[0]["predictions"]
    assert [result["name"] for result in several[0]["results"]] == ["ship.jpg", "cat.png"]
    assert [line["number"] for line in streamed[:-1]] == [1, 2]
    assert streamed[-1]["summary"]["predicted"] == 2
    assert (model[0]["name"], inferred[0]["outputs"][0]["data"]) == ("ocellus", [body[0]["label"]])
    rows = csv.DictReader((server.data.parent / "predictions.csv").read_text().splitlines())
    assert [row["name"] for row in rows] == ["a.png", "b/c.png"]


def test_the_example_in_python_works_as_written(server: Server) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", SECTION, re.S)
    assert ADDRESS in program
    address = server.url.removeprefix("http://")
    assert run(server, [sys.executable, "-c", program.replace(ADDRESS, address)]).startswith("[b'")
