"""The notebook's short mode: a small data set of drawings, and a version trained on it."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from showing import png

from ocellus.bootstrap import build
from ocellus.runs import Mode, RunStatus
from ocellus.settings import Settings
from training_job.acquire import acquire
from training_job.outliers import outliers
from training_job.run import execute

LABELS = ("noise", "shapes", "texture")
SIDE, TRAIN_IMAGES, TEST_IMAGES = 32, 100, 40
EPOCHS = 4
_WRONG_EVERY = 10
_AGAIN_EVERY = 20


def small_version(folder: Path) -> tuple[str, Path]:
    """Draw a data set, train a version from nothing on it through the trainer, and return the data
    set's path and the version's folder. Takes about 20 s.
    """
    drawings = _draw(folder / "drawings")
    app = build(Settings(data_dir=folder / "first", seed_dir=folder / "none"))
    run = app.state.begin_run(
        trigger="dataset",
        mode=Mode.FULL,
        include_set_aside=False,
        requested_by="notebook",
        now=time.time(),
        lease_s=app.settings.start_lease_s,
        dataset=acquire(app.blobs, str(drawings), folder / "downloads"),
        options={"epochs": EPOCHS, "side": SIDE},
    )
    # The gate may refuse so small a training; the version is there all the same.
    if execute(app, run.id) not in (RunStatus.PROMOTED, RunStatus.REFUSED):
        raise RuntimeError(app.state.run(run.id).message)
    app.close()
    return str(drawings), folder / "first" / "blobs" / "models" / run.version


def _draw(folder: Path) -> Path:
    """Write images of each label. As in a real set, a few test images lie under a wrong label, and
    a few images stand twice, the second time a little darker.
    """
    for part, count, seed in (("train", TRAIN_IMAGES, 2), ("test", TEST_IMAGES, 3)):
        drawn = outliers(count, SIDE, seed)
        for number, label in enumerate(LABELS):
            for i, image in enumerate(drawn[label]):
                wrong = part == "test" and i % _WRONG_EVERY == 0
                bears = LABELS[(number + wrong) % len(LABELS)]
                place = folder / part / bears
                place.mkdir(parents=True, exist_ok=True)
                (place / f"{label}-{i}.png").write_bytes(png(image))
                if i % _AGAIN_EVERY == 1:
                    darker = (image * 0.95).astype(np.uint8)
                    (place / f"{label}-{i}-again.png").write_bytes(png(darker))
    return folder
