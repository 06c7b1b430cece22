"""Verifying the shipped seed model, whole and spoilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fakes import MemoryBlobs

from ocellus.errors import NotFound
from ocellus.manifest import ARTIFACTS, INT8, KERAS, REPLAY, Artifact, Manifest, blob_name
from ocellus.verifying import verify

SEED = Path(__file__).parents[2] / "models" / "v1"


@pytest.fixture
def blobs() -> MemoryBlobs:
    names = (*ARTIFACTS, "manifest.json")
    return MemoryBlobs({blob_name("v1", name): (SEED / name).read_bytes() for name in names})


def broken(blobs: MemoryBlobs) -> list[str]:
    return [finding.claim for finding in verify(blobs, "v1") if not finding.holds]


def test_the_seed_model_is_what_its_manifest_claims(blobs: MemoryBlobs) -> None:
    assert broken(blobs) == []


def test_a_changed_file_is_named(blobs: MemoryBlobs) -> None:
    blobs.blobs[blob_name("v1", KERAS)] += b"x"
    assert broken(blobs) == [f"{KERAS} is unchanged"]


def test_a_lost_artifact_fails_what_needs_it(blobs: MemoryBlobs) -> None:
    blobs.delete(blob_name("v1", INT8))
    assert broken(blobs) == [f"{INT8} is unchanged", "golden outputs", "holdout accuracy"]


def test_a_swollen_accuracy_is_found_out(blobs: MemoryBlobs) -> None:
    name = blob_name("v1", "manifest.json")
    manifest = Manifest.from_json(blobs.get(name))
    claimed = manifest.metrics["holdout"] | {"accuracy": 0.99}
    blobs.put(
        name,
        replace(manifest, metrics=manifest.metrics | {"holdout": claimed}).to_json(),
        overwrite=True,
    )
    assert broken(blobs) == ["holdout accuracy"]


def test_a_replay_that_is_no_replay_is_a_finding_not_a_crash(blobs: MemoryBlobs) -> None:
    manifest = Manifest.from_json(blobs.get(blob_name("v1", "manifest.json")))
    artifacts = manifest.artifacts | {REPLAY: Artifact.of(b"garbage")}
    blobs.put(blob_name("v1", REPLAY), b"garbage", overwrite=True)
    blobs.put(
        blob_name("v1", "manifest.json"),
        replace(manifest, artifacts=artifacts).to_json(),
        overwrite=True,
    )
    assert broken(blobs) == ["holdout accuracy"]


def test_a_version_that_is_not_there_says_so(blobs: MemoryBlobs) -> None:
    with pytest.raises(NotFound):
        verify(blobs, "v9")
