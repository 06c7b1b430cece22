"""The emulator's life ends with its owner's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from emulators.firestore import FirestoreEmulator
from server import until

_OWNER = """
import sys, time
from emulators.firestore import FirestoreEmulator
print(FirestoreEmulator().host, flush=True)
time.sleep(600)
"""


def _listens(host: str) -> bool:
    address, port = host.split(":")
    with socket.socket() as probe:
        return probe.connect_ex((address, int(port))) == 0


@pytest.mark.usefixtures("firestore_emulator")  # so that its absence is said once, in one way
def test_an_emulator_stops_when_told() -> None:
    emulator = FirestoreEmulator()
    assert _listens(emulator.host)
    emulator.stop()
    assert not _listens(emulator.host)


@pytest.mark.usefixtures("firestore_emulator")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_an_emulator_does_not_outlive_its_owner(number: signal.Signals) -> None:
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", _OWNER]
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        host = owner.stdout.readline().strip()
        assert _listens(host)
        owner.send_signal(number)
    until(lambda: not _listens(host), 20, "the emulator to stop")
