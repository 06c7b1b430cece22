"""How the Firestore emulator is found."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from emulators import firestore_jar
from emulators.firestore_jar import EmulatorMissing, Release, find_jar, find_java

CONTENT = b"the emulator" * 100_000


@pytest.fixture
def no_sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(firestore_jar, "_SDK_ROOTS", ())


@pytest.fixture
def release(tmp_path: Path) -> Iterator[Release]:
    """A release that can be downloaded from this machine."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "emulator-v1.jar").write_bytes(CONTENT)

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as site:
        thread = threading.Thread(target=site.serve_forever, args=(0.05,))
        thread.start()
        url = f"http://127.0.0.1:{site.server_port}/emulator-v1.jar"
        yield Release(url, hashlib.sha256(CONTENT).hexdigest())
        site.shutdown()
        thread.join()


def test_a_named_jar_comes_first(tmp_path: Path) -> None:
    jar = tmp_path / "emulator.jar"
    jar.touch()
    assert find_jar({"FIRESTORE_EMULATOR_JAR": str(jar), "PATH": ""}) == jar


def test_a_named_jar_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(EmulatorMissing, match="FIRESTORE_EMULATOR_JAR"):
        find_jar({"FIRESTORE_EMULATOR_JAR": str(tmp_path / "absent.jar")})


def test_the_jar_of_the_sdk_on_the_path_is_found(tmp_path: Path) -> None:
    sdk, links = tmp_path / "sdk", tmp_path / "links"
    jar = sdk / "platform" / "cloud-firestore-emulator" / "cloud-firestore-emulator.jar"
    for folder in (sdk / "bin", links, jar.parent):
        folder.mkdir(parents=True)
    jar.touch()
    (sdk / "bin" / "gcloud").touch(mode=0o755)
    (links / "gcloud").symlink_to(sdk / "bin" / "gcloud")
    assert find_jar({"PATH": str(links)}) == jar


@pytest.mark.usefixtures("no_sdk")
def test_a_jar_that_is_nowhere_is_downloaded_once_into_the_users_cache(
    release: Release, tmp_path: Path
) -> None:
    environ = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    jar = find_jar(environ, release)
    assert jar == tmp_path / "cache" / "ocellus" / "emulator-v1.jar"
    assert jar.read_bytes() == CONTENT
    (tmp_path / "site" / "emulator-v1.jar").unlink()
    assert find_jar(environ, release) == jar


@pytest.mark.usefixtures("no_sdk")
def test_a_cached_jar_that_was_damaged_is_downloaded_again(
    release: Release, tmp_path: Path
) -> None:
    environ = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    jar = find_jar(environ, release)
    jar.write_bytes(CONTENT[:-1])
    assert find_jar(environ, release).read_bytes() == CONTENT


@pytest.mark.usefixtures("no_sdk")
def test_another_file_than_the_release_is_never_used(release: Release, tmp_path: Path) -> None:
    (tmp_path / "site" / "emulator-v1.jar").write_bytes(b"something else")
    environ = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    with pytest.raises(EmulatorMissing, match="is another file"):
        find_jar(environ, release)
    assert list((tmp_path / "cache" / "ocellus").iterdir()) == []


@pytest.mark.usefixtures("no_sdk")
def test_a_machine_without_the_emulator_and_the_internet_is_told_what_to_install(
    tmp_path: Path,
) -> None:
    environ = {"PATH": "", "XDG_CACHE_HOME": str(tmp_path)}
    with pytest.raises(EmulatorMissing, match="gcloud components install"):
        find_jar(environ, Release("http://127.0.0.1:9/emulator.jar", "0" * 64))


def test_a_machine_without_java_is_told_what_to_install() -> None:
    with pytest.raises(EmulatorMissing, match="apt-get install default-jre-headless"):
        find_java({"PATH": ""})
