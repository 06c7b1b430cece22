"""`python -m training_job`: do one run."""

from __future__ import annotations

import argparse
import signal
import sys
import threading

from ocellus.bootstrap import app
from ocellus.errors import OcellusError
from ocellus.runs import Mode, Options, RunStatus
from training_job.acquire import acquire
from training_job.data import SIDES
from training_job.recipe import MOBILENET, MOBILENET_SIDE

_EXITS = {RunStatus.PROMOTED: 0, RunStatus.REFUSED: 2, RunStatus.QUEUED: 128 + signal.SIGTERM}


def main() -> int:
    """Return 0 if the run ended with a version promoted, 143 if told to stop with everything saved
    for the next trainer, 1 otherwise. Refused is 2 for who gave a data set, and 0 for who started
    a requested run: it is done, and a platform would start what failed again.
    """
    parser = argparse.ArgumentParser(
        prog="python -m training_job",
        description="Train a model version, put it to the gate and publish it. Settings come from "
        "OCELLUS_ variables; the result goes to the data folder (OCELLUS_DATA_DIR).",
        epilog="examples: python -m training_job --dataset photos.zip;  "
        "python -m training_job --dataset cifar10;  python -m training_job --run r7",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--run", metavar="ID", help="do a run that has been requested, e.g. r7")
    what.add_argument(
        "--dataset",
        metavar="cifar10|PATH",
        help="train from nothing on CIFAR-10, on a folder, zip or tar of label/image, or on a CSV "
        "of path,label[,split]",
    )
    parser.add_argument(
        "--side",
        type=int,
        choices=SIDES,
        help="input side of the network in pixels (default: what suits the images, at most 96; "
        f"{MOBILENET_SIDE} with a backbone)",
    )
    parser.add_argument(
        "--backbone",
        choices=[MOBILENET],
        help="train a head alone on a network that knows ImageNet, whose weights are downloaded: "
        "the better choice for a few photographs",
    )
    parser.add_argument("--epochs", type=int, help="train the whole network this many epochs")
    parser.add_argument("--seed", type=int, help="seed of every random choice")
    arguments = parser.parse_args()
    options = ("side", "backbone", "epochs", "seed")
    given = {k: v for k in options if (v := getattr(arguments, k)) is not None}
    if arguments.run and given:
        parser.error("--side, --backbone, --epochs and --seed go with --dataset")
    if arguments.backbone:
        given.setdefault("side", MOBILENET_SIDE)
    try:
        run_id = arguments.run or _begin(arguments.dataset, given)
        print(f"{run_id} loading TensorFlow", flush=True)
        # Only now: it takes seconds, which neither --help nor a mistyped path should cost.
        from training_job.run import execute

        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
        status = execute(app(), run_id, stop)
    except OcellusError as e:
        print(f"The run cannot go on: {e}", file=sys.stderr)
        return 1
    if status is RunStatus.REFUSED and arguments.run:
        return 0
    return _EXITS.get(status, 1)


def _begin(source: str, options: Options) -> str:
    """Bring the data set and begin a run on it."""
    settings = app().settings
    blob = acquire(app().blobs, source, settings.data_dir / "downloads")
    run = app().state.begin_run(
        trigger="dataset",
        mode=Mode.FULL,
        include_set_aside=False,
        requested_by="command line",
        now=app().retraining.clock(),
        lease_s=settings.start_lease_s,
        dataset=blob,
        options=options,
    )
    return run.id


if __name__ == "__main__":
    sys.exit(main())
