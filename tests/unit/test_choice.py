"""Quick or full, and why."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from fakes import MemoryBlobs
from PIL import Image
from tiny_version import LABELS, TinyVersion

from ocellus.replay import Replay
from ocellus.runs import Mode
from ocellus.samples import Sample, sha256_of
from training_job.candidates import LoadedVersion
from training_job.checks import Check
from training_job.choice import choose, full_instead
from training_job.gate import Verdict

COLOURS = {"red": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


@pytest.fixture
def blobs() -> MemoryBlobs:
    blobs = MemoryBlobs()
    blobs.put("datasets/set.zip", b"a data set")
    return blobs


@pytest.fixture
def serving(tiny_version: TinyVersion) -> LoadedVersion:
    """A version trained on 1,000 images, right on 90 % of its holdout."""
    dataset = {"source": "datasets/set.zip", "counts": {"train": 1000}}
    manifest = replace(tiny_version.manifest, dataset=dataset)
    none = np.empty(0, np.uint64)
    replay = Replay(
        np.empty((0, 4), np.float16), np.empty(0, np.int64), none, np.empty(0, np.uint8), none
    )
    return LoadedVersion(manifest, tiny_version.artifact, replay, None)


def samples(blobs: MemoryBlobs, count: int, shown: str, label: str) -> list[Sample]:
    """File images of one colour under a label."""
    found = []
    for i in range(count):
        image = np.full((32, 32, 3), COLOURS[shown], np.uint8)
        image[0, 0] = i % 256, i // 256, 0
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "png")
        sample = Sample(sha256_of(buffer.getvalue()), label, "png", 9, float(i), "test")
        blobs.put(sample.blob_name, buffer.getvalue())
        found.append(sample)
    return found


def test_what_is_asked_for_is_done(blobs: MemoryBlobs, serving: LoadedVersion) -> None:
    assert choose(Mode.FULL, [], serving, blobs) == (Mode.FULL, "full retrain, as asked")


def test_few_samples_that_fit_are_learned_quickly(
    blobs: MemoryBlobs, serving: LoadedVersion
) -> None:
    mode, why = choose(Mode.AUTO, samples(blobs, 30, "red", "red"), serving, blobs)
    assert (mode, why) == (Mode.QUICK, "quick retrain: 30 new samples beside 1000 training images")


def test_many_samples_are_learned_fully(blobs: MemoryBlobs, serving: LoadedVersion) -> None:
    mode, why = choose(Mode.AUTO, samples(blobs, 250, "red", "red"), serving, blobs)
    assert (mode, why) == (Mode.FULL, "full retrain: 250 new samples beside 1000 training images")


def test_samples_that_the_version_gets_wrong_are_learned_fully(
    blobs: MemoryBlobs, serving: LoadedVersion
) -> None:
    mode, why = choose(Mode.AUTO, samples(blobs, 30, "red", "blue"), serving, blobs)
    assert mode is Mode.FULL
    assert why.endswith("of which v1 is right on 0 % (90 % on its holdout)")


def test_new_labels_are_no_drift(blobs: MemoryBlobs, serving: LoadedVersion) -> None:
    assert choose(Mode.AUTO, samples(blobs, 30, "red", "pink"), serving, blobs)[0] is Mode.QUICK


def test_without_the_data_set_it_is_quick_and_says_so(
    blobs: MemoryBlobs, serving: LoadedVersion
) -> None:
    found = samples(blobs, 250, "red", "red")
    blobs.delete("datasets/set.zip")
    mode, why = choose(Mode.AUTO, found, serving, blobs)
    assert mode is Mode.QUICK
    assert why.endswith("but the data set is not at hand")


def test_a_refused_quick_candidate_is_followed_by_a_full_one(
    blobs: MemoryBlobs, serving: LoadedVersion
) -> None:
    refused = Verdict(False, "refused: recall of red fell", [Check("recall", False, "", {})])
    why = full_instead(Mode.AUTO, refused, serving, blobs)
    assert why == "full retrain: the quick candidate was refused: recall of red fell"


@pytest.mark.parametrize("case", ["promoted", "asked", "wrong labels", "no data set"])
def test_nothing_follows(case: str, blobs: MemoryBlobs, serving: LoadedVersion) -> None:
    check = Check("labels" if case == "wrong labels" else "recall", case == "promoted", "", {})
    verdict = Verdict(case == "promoted", "a verdict", [check])
    if case == "no data set":
        blobs.delete("datasets/set.zip")
    asked = Mode.QUICK if case == "asked" else Mode.AUTO
    assert full_instead(asked, verdict, serving, blobs) is None


def test_the_tiny_version_knows_its_colours() -> None:
    assert set(COLOURS) == set(LABELS)
