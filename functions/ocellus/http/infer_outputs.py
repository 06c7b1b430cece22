"""Output tensors of the Open Inference Protocol, as JSON or as binary data behind the JSON."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ocellus.errors import BadInput
from ocellus.http.infer_request import InferRequest


@dataclass(frozen=True)
class Output:
    """A tensor to answer with: BYTES from strings, or FP32."""

    name: str
    values: Sequence[str] | npt.NDArray[np.float32]

    @property
    def is_text(self) -> bool:
        return not isinstance(self.values, np.ndarray)

    def described(self) -> dict[str, Any]:
        shape = [len(self.values)] if self.is_text else list(np.shape(self.values))
        return {
            "name": self.name,
            "datatype": "BYTES" if self.is_text else "FP32",
            "shape": shape,
        }

    def as_binary(self) -> bytes:
        if isinstance(self.values, np.ndarray):
            return self.values.astype("<f4").tobytes()
        texts = [text.encode() for text in self.values]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)

    def as_json(self) -> list[Any]:
        """Row by row, flat."""
        return (
            [*self.values.ravel().tolist()]
            if isinstance(self.values, np.ndarray)
            else [*self.values]
        )


def write_outputs(
    outputs: Sequence[Output], request: InferRequest
) -> tuple[list[dict[str, Any]], bytes]:
    """Return the outputs asked for as the answer's `outputs`, and the binary data to follow it.

    Raises: BadInput, if one is asked for that there is not.
    """
    named = {output.name: output for output in outputs}
    wanted = request.outputs or dict.fromkeys(named, request.binary)
    if unknown := sorted(wanted.keys() - named):
        raise BadInput(f"There is no output {unknown[0]!r}."[:200], f"Ask for {', '.join(named)}.")
    described: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for name, binary in wanted.items():
        output = named[name]
        if binary:
            parts.append(output.as_binary())
            form: dict[str, Any] = {"parameters": {"binary_data_size": len(parts[-1])}}
        else:
            form = {"data": output.as_json()}
        described.append(output.described() | form)
    return described, b"".join(parts)
