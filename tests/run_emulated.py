"""Run the whole deployment on this machine, on emulators, until Ctrl-C."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import tempfile
import time
from pathlib import Path

from emulators.firestore_jar import EmulatorMissing
from emulators.stack import INBOX_BUCKET, PROJECT, EmulatedStack

from ocellus.errors import InvalidSetting

_LOOK_S = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8080, help="the page's port; 0 takes a free one"
    )
    port = parser.parse_args().port
    if not 0 <= port <= 65535:
        parser.error(f"--port is {port}; ports are 0 to 65535")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    print("Starting the emulators and the functions …", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="ocellus-") as folder:
            stack = EmulatedStack(Path(folder), port=port)
            try:
                _announce(stack)
                _watch(stack)
            finally:
                stack.stop()
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0
    except (EmulatorMissing, InvalidSetting) as e:
        print(e, file=sys.stderr)
    return 1


def _announce(stack: EmulatedStack) -> None:
    """Say where everything is."""
    inbox = f"{stack.storage.url}/upload/storage/v1/b/{INBOX_BUCKET}/o"
    print(
        f"Ocellus is at {stack.url}/#token={stack.token}\n"
        f"  Firestore      {stack.firestore.host}, project {PROJECT}\n"
        f"  Cloud Run      {stack.environ['OCELLUS_RUN_API']}\n"
        f"  Cloud Storage  {stack.storage.url}, where an image is dropped into the inbox by\n"
        f"                 curl --data-binary @1.jpg"
        f" '{inbox}?uploadType=media&name=zebra/1.jpg'\n"
        f"  logs           {stack.logs}\n"
        "All of it is gone once stopped. Stop with Ctrl-C.",
        flush=True,
    )


def _watch(stack: EmulatedStack) -> None:
    """Report each process that ends, once, for ever."""
    reported: set[str] = set()
    while True:
        for name in set(stack.fallen()) - reported:
            reported.add(name)
            print(f"{name} has ended; its log is in {stack.logs}. Start again.", file=sys.stderr)
        time.sleep(_LOOK_S)


if __name__ == "__main__":
    sys.exit(main())
