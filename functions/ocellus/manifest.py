"""The manifest: what a model version is, checked whenever it is loaded."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from ocellus.errors import InvalidManifest, OcellusError
from ocellus.images import RESIZE_RULE
from ocellus.labels import MAX_CLASSES, parse_label
from ocellus.samples import sha256_of
from ocellus.versions import parse_version

SCHEMA_VERSION = 1
INT8, FLOAT32, KERAS, REPLAY = "model.tflite", "model.float32.tflite", "model.keras", "replay.npz"
ARTIFACTS = (INT8, FLOAT32, KERAS, REPLAY)


@dataclass(frozen=True)
class Artifact:
    """A file of the version: lower-case hexadecimal sha256 and size."""

    sha256: str
    size_bytes: int

    @staticmethod
    def of(data: bytes) -> Artifact:
        return Artifact(sha256_of(data), len(data))


@dataclass(frozen=True)
class InputSpec:
    """The graph takes uint8 [1, height, width, 3] RGB; normalisation is inside it."""

    height: int
    width: int
    resize_rule: str = RESIZE_RULE


@dataclass(frozen=True)
class Calibration:
    """`probabilities = softmax(logits / temperature)`; under `threshold` the answer is unsure.

    `least_evidence` has a figure for each label: an image answered with the label for which less
    evidence speaks is of none of them. Where there is no figure, nothing is said of that.
    """

    temperature: float
    threshold: float
    least_evidence: list[float | None] | None = None

    def is_none(self, answer: int, evidence: float) -> bool:
        """Whether an image answered with the label of that index is of none of the labels."""
        least = self.least_evidence[answer] if self.least_evidence else None
        return least is not None and evidence < least


@dataclass(frozen=True)
class Golden:
    """What the int8 artifact answered on `golden_inputs`: logits, one row an input."""

    logits: list[list[float]]


@dataclass(frozen=True)
class Manifest:
    """One immutable version. Its outputs are `logits` float32 [1, classes] in the order of
    `labels`, and `features` float32 [1, n], the head's input.

    `metrics`, `dataset`, `recipe` and `durations_s` hold what the trainer measured; readers show
    them and decide nothing by them.
    """

    version: str
    parent: str | None
    created_at: float
    labels: list[str]
    input: InputSpec
    artifacts: dict[str, Artifact]
    calibration: Calibration
    golden: Golden
    metrics: dict[str, Any]
    dataset: dict[str, Any]
    recipe: dict[str, Any]
    durations_s: dict[str, float]
    code_revision: str
    schema_version: int = field(default=SCHEMA_VERSION)

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False).encode()

    @staticmethod
    def from_json(data: bytes) -> Manifest:
        """Parse and check. Raises: InvalidManifest, naming the field and what was found."""
        try:
            raw = json.loads(data)
            if raw.get("schema_version") != SCHEMA_VERSION:
                raise InvalidManifest(
                    f"The manifest has schema_version {raw.get('schema_version')!r}; "
                    f"this code reads {SCHEMA_VERSION}.",
                    "Deploy the code that made it, or train the version anew.",
                )
            manifest = Manifest(
                **raw
                | {
                    "input": InputSpec(**raw["input"]),
                    "artifacts": {n: Artifact(**a) for n, a in raw["artifacts"].items()},
                    "calibration": Calibration(**raw["calibration"]),
                    "golden": Golden(**raw["golden"]),
                }
            )
            _check(manifest)
        except InvalidManifest:
            raise
        except (OcellusError, ValueError, TypeError, KeyError, AttributeError) as e:
            raise InvalidManifest(f"The manifest cannot be read: {e!r}.") from e
        return manifest

    def verify(self, artifact: str, data: bytes) -> bytes:
        """Return `data` if it is the artifact that the manifest names. Raises: InvalidManifest."""
        expected, found = self.artifacts[artifact], Artifact.of(data)
        if found != expected:
            raise InvalidManifest(
                f"{self.version}/{artifact} has {found.size_bytes} bytes of sha256 {found.sha256}; "
                f"its manifest says {expected.size_bytes} of {expected.sha256}.",
                "Restore the file, or promote another version.",
            )
        return data


def _check(m: Manifest) -> None:
    def require(ok: bool, expected: str, found: object) -> None:
        if not ok:
            raise InvalidManifest(f"The manifest needs {expected}; it has {found!r}.")

    parse_version(m.version)
    if m.parent is not None:
        parse_version(m.parent)
    require(2 <= len(m.labels) <= MAX_CLASSES, f"2 to {MAX_CLASSES} labels", len(m.labels))
    require(len(set(m.labels)) == len(m.labels), "labels that differ", m.labels)
    require(all(parse_label(x) == x for x in m.labels), "well-formed labels", m.labels)
    for side in (m.input.height, m.input.width):
        require(isinstance(side, int) and 16 <= side <= 1024, "an input side of 16 to 1024", side)
    require(m.input.resize_rule == RESIZE_RULE, f"resize_rule {RESIZE_RULE}", m.input.resize_rule)
    for name in ARTIFACTS:
        require(name in m.artifacts, f"the artifact {name}", sorted(m.artifacts))
    t = m.calibration.temperature
    require(math.isfinite(t) and t > 0, "a temperature above 0", t)
    require(0 <= m.calibration.threshold <= 1, "a threshold in 0..1", m.calibration.threshold)
    least = m.calibration.least_evidence
    if least is not None:
        require(len(least) == len(m.labels), "a least evidence for each label", least)
        finite = all(x is None or math.isfinite(x) for x in least)
        require(finite, "finite least evidence", least)
    shape = (GOLDEN_COUNT, len(m.labels))
    require(np.shape(m.golden.logits) == shape, f"golden logits {shape}", np.shape(m.golden.logits))


GOLDEN_COUNT = 4


def golden_inputs(spec: InputSpec) -> npt.NDArray[np.uint8]:
    """Return the inputs on which a version's outputs are recorded: ramps, waves and blocks made
    by arithmetic alone, so that every machine makes the same bytes.

    Returns: uint8 [4, height, width, 3].
    """
    y, x = np.mgrid[0 : spec.height, 0 : spec.width].astype(np.int64)
    planes = [
        (
            x * 255 // spec.width,
            y * 255 // spec.height,
            (x + y) * 255 // (spec.width + spec.height),
        ),
        ((x * 7 + y * 3) % 256, (x * 5 + y * 11) % 256, (x * 13 + y) % 256),
        ((x // 4 + y // 4) % 2 * 200 + 20, (x // 8) % 2 * 160 + 40, (y // 8) % 2 * 120 + 60),
        ((x * x + y * y) % 251, (x * y) % 241, (x * x * 3 + y) % 239),
    ]
    return np.stack([np.stack(p, axis=-1) for p in planes]).astype(np.uint8)


def blob_name(version: str, file: str) -> str:
    """Return where a version's file lies in Blobs."""
    return f"models/{version}/{file}"
