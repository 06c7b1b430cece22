"""The manifest: round trip, and every check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tiny_version import TinyVersion

from ocellus.errors import InvalidManifest
from ocellus.manifest import INT8, InputSpec, Manifest, blob_name, golden_inputs
from ocellus.samples import sha256_of

Json = dict[str, Any]


def test_a_manifest_survives_its_json(tiny_version: TinyVersion) -> None:
    manifest = tiny_version.manifest
    assert Manifest.from_json(manifest.to_json()) == manifest


def test_labels_beyond_ascii_stay_readable(tiny_version: TinyVersion) -> None:
    data = tiny_version.files(labels=["猫", "chien", "vögel"])["manifest.json"]
    assert "猫".encode() in data
    assert Manifest.from_json(data).labels == ["猫", "chien", "vögel"]


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda m: m.update(schema_version=2), "schema_version 2; this code reads 1"),
        (lambda m: m.pop("schema_version"), "schema_version None"),
        (lambda m: m.pop("labels"), "labels"),
        (lambda m: m.update(extra=1), "extra"),
        (lambda m: m.update(version="../v1"), "not a version name"),
        (lambda m: m.update(parent="seed"), "not a version name"),
        (lambda m: m.update(labels=["red"]), "2 to 1000 labels; it has 1"),
        (lambda m: m.update(labels=["red", "red", "blue"]), "labels that differ"),
        (lambda m: m.update(labels=["red", " green", "blue"]), "well-formed labels"),
        (lambda m: m.update(labels=["red", "a/b", "blue"]), "'/'"),
        (lambda m: m["input"].update(height=8), "side of 16 to 1024; it has 8"),
        (lambda m: m["input"].update(width=32.5), "side of 16 to 1024; it has 32.5"),
        (lambda m: m["input"].update(resize_rule="nearest"), "resize_rule fit-bilinear"),
        (lambda m: m.update(input=None), "cannot be read"),
        (lambda m: m["artifacts"].pop("replay.npz"), "the artifact replay.npz"),
        (lambda m: m["artifacts"].update({INT8: {"sha256": "00"}}), "size_bytes"),
        (lambda m: m["calibration"].update(temperature=0), "temperature above 0"),
        (lambda m: m["calibration"].update(temperature="hot"), "cannot be read"),
        (lambda m: m["calibration"].update(threshold=1.5), "threshold in 0..1"),
        (lambda m: m["calibration"].update(least_evidence=[1.0]), "evidence for each label"),
        (lambda m: m["calibration"].update(least_evidence=[1.0, float("nan"), None]), "finite"),
        (lambda m: m["golden"].update(logits=[[1.0, 2.0, 3.0]]), r"golden logits \(4, 3\)"),
        (lambda m: m["golden"]["logits"][0].pop(), "cannot be read"),
    ],
)
def test_a_manifest_that_is_not_what_it_must_be_is_refused(
    tiny_version: TinyVersion, change: Callable[[Json], object], found: str
) -> None:
    raw = json.loads(tiny_version.manifest.to_json())
    change(raw)
    with pytest.raises(InvalidManifest, match=found):
        Manifest.from_json(json.dumps(raw).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b'"v1"', b"\xff\xfe", b"{}"])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidManifest):
        Manifest.from_json(data)


def test_an_infinite_temperature_is_refused(tiny_version: TinyVersion) -> None:
    raw = json.loads(tiny_version.manifest.to_json())
    raw["calibration"]["temperature"] = float("inf")
    with pytest.raises(InvalidManifest, match="temperature above 0"):
        Manifest.from_json(json.dumps(raw).encode())


def test_verify_returns_the_artifact_it_names(tiny_version: TinyVersion) -> None:
    assert tiny_version.manifest.verify(INT8, tiny_version.artifact) == tiny_version.artifact


def test_verify_refuses_one_changed_byte(tiny_version: TinyVersion) -> None:
    changed = tiny_version.artifact[:-1] + bytes([tiny_version.artifact[-1] ^ 1])
    with pytest.raises(InvalidManifest, match="v1/model.tflite has .* bytes of sha256"):
        tiny_version.manifest.verify(INT8, changed)


def test_golden_inputs_never_change() -> None:
    inputs = golden_inputs(InputSpec(32, 32))
    assert inputs.shape == (4, 32, 32, 3)
    assert inputs.dtype == np.uint8
    assert (
        sha256_of(inputs.tobytes())
        == "f769573e4ed2644f2774a23281b15b22f9a120c33693b3872c109d2feb887958"
    )
    assert (
        sha256_of(golden_inputs(InputSpec(48, 64)).tobytes())
        == "4c80cbe1b09e0a8b6a3604cd1675af1d87f74508c2a24bb769fcf8c03f2afb6e"
    )


def test_a_versions_files_lie_together() -> None:
    assert blob_name("v3", INT8) == "models/v3/model.tflite"
