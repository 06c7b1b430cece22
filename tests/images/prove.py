"""Runs the two images as their own configuration says, with a root file system that is read-only
and no capability: trains a tiny version, and has it predict.

As root, where buildah and bubblewrap are installed: `python tests/images/prove.py [PICTURE]`
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from composed import free_port
from drawings import blobs, stripes
from server import until

USER = 10001
_WITHOUT_RIGHTS = [
    "setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs",
    "--bounding-set=-all", "--inh-caps=-all",
]  # fmt: skip


def buildah(*arguments: str) -> str:
    return subprocess.run(
        ["buildah", *arguments], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()


class Image:
    """An image's files, and what its configuration says of how to run it."""

    def __init__(self, name: str, root: Path) -> None:
        self.root = root
        described = json.loads(buildah("inspect", "--type", "image", name))
        self._config: dict[str, Any] = described["OCIv1"]["config"]
        assert self._config["User"] == f"{USER}:{USER}"

    def command(self, data: Path, *arguments: str, entrypoint: tuple[str, ...] = ()) -> list[str]:
        """Return the command that runs the image with `data` as its volume."""
        environ = (part for pair in self._config["Env"] for part in pair.split("=", 1))
        contained = [
            "bwrap", "--ro-bind", str(self.root), "/", "--dev", "/dev", "--proc", "/proc",
            "--tmpfs", "/tmp", "--chmod", "1777", "/tmp", "--bind", str(data), "/data",
            "--ro-bind", "/etc/resolv.conf", "/etc/resolv.conf",
            "--unshare-pid", "--unshare-ipc", "--die-with-parent", "--clearenv",
        ]  # fmt: skip
        for name, value in zip(environ, environ, strict=True):
            contained += ["--setenv", name, value]
        what = entrypoint or self._config["Entrypoint"]
        return [
            *contained,
            "--chdir",
            self._config["WorkingDir"],
            *_WITHOUT_RIGHTS,
            *what,
            *arguments,
        ]

    def run(self, data: Path, *arguments: str, entrypoint: tuple[str, ...] = ()) -> str:
        command = self.command(data, *arguments, entrypoint=entrypoint)
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, done.stdout
        return done.stdout


@contextmanager
def opened(name: str) -> Iterator[Image]:
    container = buildah("from", "--pull-never", name)
    try:
        yield Image(name, Path(buildah("mount", container)))
    finally:
        buildah("rm", container)


def prove_contained(image: Image, data: Path) -> None:
    """Nothing but the volume and /tmp can be written, and there is no right to be had."""
    program = (
        "import os\n"
        "for folder in ('/', '/app', '/opt/venv', '/etc', '/usr/bin'):\n"
        "    try: open(folder + '/probe', 'w')\n"
        "    except OSError as e: print(folder, e.strerror)\n"
        "    else: raise SystemExit(folder + ' can be written')\n"
        "open('/tmp/probe', 'w'), open('/data/probe', 'w'), os.unlink('/data/probe')\n"
        "status = dict(line.split(':', 1) for line in open('/proc/self/status'))\n"
        f"assert os.getuid() == os.getgid() == {USER}, os.getuid()\n"
        "assert int(status['CapEff'], 16) == int(status['CapBnd'], 16) == 0, status\n"
        "assert int(status['NoNewPrivs']) == 1\n"
    )
    print(image.run(data, program, entrypoint=("python", "-c")), end="")


def predict(image: Image, data: Path, picture: bytes) -> Any:
    """Serve from the image and return what it answers to the picture."""
    port = free_port()
    serve = ("serve", "--host", "127.0.0.1", "--port", str(port))
    with subprocess.Popen(image.command(data, *serve)) as server:
        try:
            url = f"http://127.0.0.1:{port}"

            def healthy() -> bool:
                assert server.poll() is None, "the server ended"
                try:
                    return urllib.request.urlopen(f"{url}/api/health").status == 200
                except OSError:
                    return False

            until(healthy, 60, "the server")
            with urllib.request.urlopen(url) as page:
                assert b"Ocellus" in page.read()
            with urllib.request.urlopen(f"{url}/api/predict", data=picture) as answer:
                return json.load(answer)
        finally:
            server.terminate()


def size_mb(folder: Path) -> int:
    return int(subprocess.run(
        ["du", "-sm", folder], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.split()[0])  # fmt: skip


def main() -> None:
    picture = Path(sys.argv[1]).read_bytes() if len(sys.argv) > 1 else stripes(999)
    with (
        tempfile.TemporaryDirectory() as folder,
        opened("localhost/ocellus-trainer") as trainer,
        opened("localhost/ocellus-functions") as functions,
    ):
        for name, image in (("trainer", trainer), ("functions", functions)):
            venv = size_mb(image.root / "opt" / "venv")
            print(f"{name}: {size_mb(image.root)} MB, {venv} of them packages")
        os.chmod(folder, 0o755)
        trained, fresh = Path(folder, "trained"), Path(folder, "fresh")
        for label, draw in (("blobs", blobs), ("stripes", stripes)):
            (trained / "set" / label).mkdir(parents=True)
            for i in range(80):
                (trained / "set" / label / f"{i}.png").write_bytes(draw(i))
        fresh.mkdir()
        for data in (trained, fresh):
            os.chown(data, USER, USER)
        prove_contained(trainer, fresh)
        prove_contained(functions, fresh)
        options = ("--dataset", "/data/set", "--epochs", "4", "--seed", "3", "--side", "32")
        print(trainer.run(trained, *options).splitlines()[-1])
        answer = predict(functions, trained, stripes(999))
        assert (answer["version"], answer["label"]) == ("v1", "stripes"), answer
        print(json.dumps(answer))
        answer = predict(functions, fresh, picture)
        assert len(answer["probabilities"]) == 10, answer
        print(json.dumps(answer))


if __name__ == "__main__":
    main()
