"""A real model version of a few kilobytes: it tells red, green and blue images apart.

`python tests/tiny_version.py FILE` writes its int8 artifact, with TensorFlow.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ocellus.manifest import (
    ARTIFACTS,
    INT8,
    Artifact,
    Calibration,
    Golden,
    InputSpec,
    Manifest,
    blob_name,
    golden_inputs,
)
from ocellus.ports import Blobs, State
from ocellus.runtime import Session
from ocellus.versions import Version

LABELS = ("red", "green", "blue")
SIDE = 32


@dataclass(frozen=True)
class TinyVersion:
    """The files of a version, under any name and with any three labels."""

    artifact: bytes
    manifest: Manifest = field(init=False)

    def __post_init__(self) -> None:
        session, spec = Session(self.artifact), InputSpec(SIDE, SIDE)
        logits = [session.run(image)[0].tolist() for image in golden_inputs(spec)]
        files = {name: self._file(name) for name in ARTIFACTS}
        manifest = Manifest(
            version="v1",
            parent=None,
            created_at=1000.0,
            labels=list(LABELS),
            input=spec,
            artifacts={name: Artifact.of(data) for name, data in files.items()},
            calibration=Calibration(temperature=1.0, threshold=0.5),
            golden=Golden(logits),
            metrics={"holdout": {"accuracy": 0.9}},
            dataset={},
            recipe={},
            durations_s={},
            code_revision="test",
        )
        object.__setattr__(self, "manifest", manifest)

    def files(self, name: str = "v1", **changes: Any) -> dict[str, bytes]:
        """Return file names with bytes; `changes` are fields of the manifest."""
        manifest = replace(self.manifest, version=name, **changes)
        files = {artifact: self._file(artifact) for artifact in ARTIFACTS}
        return files | {"report.json": b"{}", "manifest.json": manifest.to_json()}

    def install(self, blobs: Blobs, state: State, name: str = "v1", **changes: Any) -> None:
        """Store and register the version, without putting it in service."""
        for file, data in self.files(name, **changes).items():
            blobs.put(blob_name(name, file), data)
        state.add_version(Version(name, None, 1000.0, 0.9, 3, "promoted", "A test version."))

    def write(self, folder: Path, name: str = "v1", **changes: Any) -> Path:
        """Write the version's files into a folder, as the seed model lies."""
        folder.mkdir(parents=True)
        for file, data in self.files(name, **changes).items():
            (folder / file).write_bytes(data)
        return folder

    def _file(self, name: str) -> bytes:
        return self.artifact if name == INT8 else name.encode()


def _build() -> bytes:
    import tensorflow as tf

    class Dominant(tf.Module):  # type: ignore[misc]
        """Features are the mean red, green and blue; the head scales them."""

        def __init__(self) -> None:
            self.head = tf.Variable(tf.eye(3) * 8.0)

        @tf.function(input_signature=[tf.TensorSpec((1, SIDE, SIDE, 3), tf.uint8, "image")])  # type: ignore[untyped-decorator]
        def serve(self, image: Any) -> dict[str, Any]:
            features = tf.reduce_mean(tf.cast(image, tf.float32) / 255.0, axis=[1, 2])
            return {"logits": tf.matmul(features, self.head), "features": features}

    module = Dominant()
    converter = tf.lite.TFLiteConverter.from_concrete_functions(
        [module.serve.get_concrete_function()], module
    )
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(_build())
