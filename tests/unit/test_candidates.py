"""Which samples are new to a version."""

from __future__ import annotations

import numpy as np
from tiny_version import LABELS, TinyVersion

from ocellus.replay import Replay
from ocellus.samples import HOLDOUT, TRAIN, Sample
from training_job.candidates import LoadedVersion, unlearned
from training_job.data import key_of

KNOWN, HELD_OUT, OF_THE_DATA_SET, DROPPED, NEW = (f"{i}" * 64 for i in range(1, 6))


def sample(sha256: str, label: str) -> Sample:
    return Sample(sha256, label, "png", 9, 1.0, "test")


def new_labels(tiny_version: TinyVersion, *samples: Sample) -> list[str]:
    """The labels of those samples that are new to a version that knows four of the images as
    its first label, and has dropped one of them from its replay.
    """
    kept = [KNOWN, HELD_OUT, OF_THE_DATA_SET]
    replay = Replay(
        np.zeros((3, 4), np.float16),
        np.zeros(3, np.int64),
        np.array([key_of(x) for x in kept], np.uint64),
        np.array([TRAIN, HOLDOUT, TRAIN], np.uint8),
        np.array([key_of(x) for x in (KNOWN, HELD_OUT, DROPPED)], np.uint64),
    )
    version = LoadedVersion(tiny_version.manifest, b"", replay, None)
    return [s.label for s in unlearned(list(samples), version)]


def test_what_was_learned_is_not_new_though_its_row_was_dropped(
    tiny_version: TinyVersion,
) -> None:
    first = LABELS[0]
    found = [sample(KNOWN, first), sample(DROPPED, first), sample(NEW, "new")]
    assert new_labels(tiny_version, *found) == ["new"]


def test_an_upload_of_an_image_of_the_data_set_is_new(tiny_version: TinyVersion) -> None:
    assert new_labels(tiny_version, sample(OF_THE_DATA_SET, "again")) == ["again"]


def test_a_sample_filed_again_under_another_label_is_new(tiny_version: TinyVersion) -> None:
    assert new_labels(tiny_version, sample(KNOWN, LABELS[1])) == [LABELS[1]]


def test_no_upload_changes_the_label_of_a_held_out_image(tiny_version: TinyVersion) -> None:
    assert new_labels(tiny_version, sample(HELD_OUT, LABELS[1])) == []
