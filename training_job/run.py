"""One run from the claim to the verdict."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ocellus.bootstrap import App
from ocellus.errors import LeaseLost, NotFound, OcellusError, StalePointer
from ocellus.manifest import Manifest, blob_name
from ocellus.runs import Mode, Progress, Run, RunStatus
from ocellus.samples import Sample
from ocellus.versions import Pointer, Version
from training_job.acquire import find_again, read_blob
from training_job.candidates import Candidate, LoadedVersion, load_version
from training_job.checks import Costs
from training_job.choice import choose, full_instead
from training_job.comparison import compare
from training_job.full import full_candidate
from training_job.gate import Verdict
from training_job.pulse import Interrupted, Pulse
from training_job.quick import quick_candidate
from training_job.report import version_files


def execute(app: App, run_id: str, stop: threading.Event | None = None) -> RunStatus:
    """Take the run, do it, and return how it ended: QUEUED, given back to the next trainer, if
    `stop` was set meanwhile. Raises: LeaseLost, NotFound.
    """
    owner = f"{platform.node()}:{os.getpid()}:{secrets.token_hex(4)}"
    run = app.state.take_run(run_id, owner, time.time(), app.settings.lease_s)
    stop = stop or threading.Event()
    with Pulse(app.state, run_id, owner, app.settings.lease_s, stop) as pulse:
        training = _Training(app, run, owner, pulse)
        try:
            training.work()
        except LeaseLost:
            raise
        except Interrupted:
            print(f"{run_id} told to stop in phase {pulse.current}; saved for the next trainer")
            return app.state.release_run(run_id, owner, time.time()).status
        except Exception as e:
            traceback.print_exc()
            reason = str(e) if isinstance(e, OcellusError) else f"{type(e).__name__}: {e}"
            message = f"Failed in phase {pulse.current}: {reason}"
            app.state.end_run(run_id, RunStatus.FAILED, message, time.time(), owner=owner)
    ended = app.state.run(run_id)
    shutil.rmtree(training.folder, ignore_errors=True)
    print(f"{run_id} {ended.message}", flush=True)
    return ended.status


@dataclass(frozen=True)
class _Trained:
    """A candidate, what the gate says of it, and why it was made so."""

    candidate: Candidate
    verdict: Verdict
    costs: Costs
    why: str


@dataclass(frozen=True)
class _Training:
    app: App
    run: Run
    owner: str
    pulse: Pulse

    @property
    def folder(self) -> Path:
        """Where the run's checkpoint lies, so that a new trainer finds it."""
        return self.app.settings.data_dir / "work" / self.run.id

    def work(self) -> None:
        blobs = self.app.blobs
        if not blobs.exists(blob_name(self.run.version, "manifest.json")):
            self.pulse.phase("snapshot")
            samples = [
                s
                for s in self.app.state.snapshot_run(self.run.id, self.owner)
                if self.run.include_set_aside or s.set_aside_by is None
            ]
            serving = load_version(blobs, self.run.parent) if self.run.parent else None
            trained = self._train(samples, serving)
            self._write(trained)
        # With a manifest there already, an earlier trainer died between it and the verdict.
        self._publish()

    def _train(self, samples: list[Sample], serving: LoadedVersion | None) -> _Trained:
        """Choose how to train, do it, and put the candidate to the gate."""
        blobs, asked = self.app.blobs, self.run.mode
        if self.run.dataset:
            why = "trained from nothing on a data set, as asked"
            return self._judged(self._whole(self.run.dataset, samples, None, serving), why, serving)
        if serving is None:
            raise NotFound("There is no version to start from.", "Train a first with --dataset.")
        mode, why = choose(asked, samples, serving, blobs)
        print(f"{self.run.id} {why}", flush=True)
        if mode is Mode.QUICK:
            quick = self._judged(quick_candidate(blobs, serving, samples, self.pulse), why, serving)
            instead = full_instead(asked, quick.verdict, serving, blobs)
            if instead is None:
                return quick
            why = instead
            print(f"{self.run.id} {why}", flush=True)
        downloads = self.app.settings.data_dir / "downloads"
        blob = find_again(blobs, serving.manifest.dataset["source"], downloads)
        return self._judged(self._whole(blob, samples, serving, serving), why, serving)

    def _judged(self, candidate: Candidate, why: str, serving: LoadedVersion | None) -> _Trained:
        self.pulse.phase("gate")
        verdict, costs = compare(candidate, serving, self.app.settings.gate)
        return _Trained(candidate, verdict, costs, why)

    def _whole(
        self,
        blob: str,
        samples: list[Sample],
        parent: LoadedVersion | None,
        serving: LoadedVersion | None,
    ) -> Candidate:
        self.pulse.phase("read")
        asked = self.run.options.get("side")
        side = parent.manifest.input.width if parent else int(asked) if asked else None
        return full_candidate(
            self.app.blobs,
            read_blob(self.app.blobs, blob, side, self.folder, self._report_reading()),
            blob,
            samples,
            parent=parent,
            serving=serving,
            pulse=self.pulse,
            checkpoint=self.folder / "checkpoint.npz",
            options=self.run.options,
        )

    def _report_reading(self) -> Callable[[int], None]:
        started = time.monotonic()

        def report(done: int) -> None:
            rate = done / max(time.monotonic() - started, 1e-6)
            self.pulse.report(Progress("read", step=done, images_per_s=round(rate)))

        return report

    def _write(self, trained: _Trained) -> None:
        """Write the version's files, the manifest last, over what a dead trainer may have left."""
        blobs = self.app.blobs
        for name in blobs.list(f"models/{self.run.version}/"):
            blobs.delete(name)
        files = version_files(
            trained.candidate,
            trained.verdict,
            trained.costs,
            version=self.run.version,
            parent=None if self.run.dataset else self.run.parent,
            created_at=time.time(),
            compared_with=self.run.parent,
            why=trained.why,
            durations_s=self.pulse.durations_s | _training_time(trained.candidate),
            code_revision=_code_revision(),
            progress=lambda: self.pulse.phase("evidence"),
        )
        for name, data in files.items():
            self.pulse.phase("publish")
            blobs.put(blob_name(self.run.version, name), data)

    def _publish(self) -> None:
        """Register the version as its manifest and report say, and move the pointer if it won."""
        blobs, run = self.app.blobs, self.run
        manifest = Manifest.from_json(blobs.get(blob_name(run.version, "manifest.json")))
        report = json.loads(blobs.get(blob_name(run.version, "report.json")))
        verdict, compared_with = report["verdict"], report["compared_with"]
        failed = {c["name"] for c in verdict["checks"] if not c["passed"]}
        harmful = failed & {"accuracy", "recall", "new label", "labels"}
        version = Version(
            name=run.version,
            parent=manifest.parent,
            created_at=manifest.created_at,
            accuracy=manifest.metrics["holdout"]["accuracy"],
            classes=len(manifest.labels),
            verdict="promoted" if verdict["promoted"] else "refused",
            sentence=verdict["sentence"],
        )
        now = time.time()
        pointer = Pointer(run.version, run.parent, now, f"run {run.id}", version.sentence)
        try:
            if compared_with != run.parent:  # the pointer moved between two trainers of the run
                raise StalePointer(f"{run.parent} is in service, not {compared_with}.")
            self.app.state.publish(
                run.id,
                self.owner,
                version,
                pointer if verdict["promoted"] else None,
                set_aside=report["learned"] if harmful else (),
                now=now,
            )
        except StalePointer:
            moved = (
                f"refused: it was compared with {compared_with}, which went out of service "
                "meanwhile; promote it by hand if you want it"
            )
            late = replace(version, verdict="refused", sentence=moved)
            self.app.state.publish(run.id, self.owner, late, None, now=now)


def _training_time(candidate: Candidate) -> dict[str, float]:
    """Return the time of all epochs, those before a resumption too."""
    return {"train": round(sum(candidate.curves.seconds), 1)} if candidate.curves.seconds else {}


def _code_revision() -> str:
    """Return the checkout's commit, or what the environment says of it, or `unknown`."""
    git = Path(__file__).parents[1] / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return (git / head[5:]).read_text().strip() if head.startswith("ref: ") else head
    except OSError:
        return os.environ.get("OCELLUS_REVISION", "unknown")
