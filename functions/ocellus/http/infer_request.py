"""Inference requests of the Open Inference Protocol: JSON, and tensors as binary data behind it.

Sources: https://github.com/kserve/open-inference-protocol (inference_rest.md)
https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol/binary-tensor-data-extension
"""

from __future__ import annotations

import base64
import binascii
import io
import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
from PIL import Image

from ocellus.errors import BadInput, TooLarge

MAX_IMAGES = 1_000
MAX_JSON_BYTES = 8 * 1024 * 1024
"""Numbers in JSON take many times their size in memory."""

INPUTS: dict[str, dict[str, Any]] = {
    "image": {"name": "image", "datatype": "BYTES", "shape": [-1]},
    "pixels": {"name": "pixels", "datatype": "UINT8", "shape": [-1, -1, -1, 3]},
}
"""A request has one of them: encoded images (in JSON as base64), or RGB from 0 to 255."""

_REMEDY = (
    "Send one input: `image`, BYTES [n], with encoded images, or `pixels`, UINT8 [n, height, "
    "width, 3]."
)


@dataclass(frozen=True)
class InferRequest:
    """What was asked: the images as files, and which outputs in which form."""

    id: str | None
    images: list[bytes]
    outputs: dict[str, bool]
    """By name, whether as binary data; empty for all, as `binary` says."""
    binary: bool


def read_request(body: bytes, header_length: str | None) -> InferRequest:
    """Read an inference request; `header_length` is what the header says where binary data follow
    the JSON. Raises: BadInput, TooLarge.
    """
    split = _split(body, header_length)
    if split > MAX_JSON_BYTES:
        raise TooLarge(
            f"The JSON has {split} bytes; the limit is {MAX_JSON_BYTES}.",
            "Send tensors as binary data (Inference-Header-Content-Length).",
        )
    try:
        fields = orjson.loads(body[:split])
        (tensor,) = fields["inputs"]
        name, datatype, shape = tensor["name"], tensor["datatype"], tensor["shape"]
        size = (tensor.get("parameters") or {}).get("binary_data_size")
        parameters = fields.get("parameters") or {}
        outputs = {o["name"]: o.get("parameters") or {} for o in fields.get("outputs") or []}
        if unsupported := [n for n, p in outputs.items() if p.get("classification")]:
            raise BadInput(
                f"The output {unsupported[0]!r} is asked for as a classification.",
                "Ask for `label` and `probability` instead.",
            )
        binary = bool(parameters.get("binary_data_output"))
        wanted = {name: bool(p.get("binary_data", binary)) for name, p in outputs.items()}
        id_ = fields.get("id")
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise BadInput(f"The inference request is not as expected: {e!r}.", _REMEDY) from e
    known = INPUTS.get(name) if isinstance(name, str) else None
    if known is None or datatype != known["datatype"]:
        raise BadInput(f"The input is {name!r} of {datatype!r}."[:200], _REMEDY)
    if not _is_shape(shape, known["shape"]):
        raise BadInput(f"The shape of {name!r} is {shape!r}."[:200], _REMEDY)
    if shape[0] > MAX_IMAGES:
        raise TooLarge(
            f"The request has {shape[0]} images; the limit is {MAX_IMAGES}.", "Send it in parts."
        )
    data = None if size is None else body[split:]
    if data is not None and size != len(data):
        raise BadInput(
            f"binary_data_size is {size!r}; {len(data)} bytes follow the JSON."[:200], _REMEDY
        )
    given = tensor.get("data") if data is None else data
    images = _encoded(given, shape) if name == "image" else _drawn(given, shape)
    return InferRequest(id_ if isinstance(id_, str) else None, images, wanted, binary)


def _split(body: bytes, header_length: str | None) -> int:
    if header_length is None:
        return len(body)
    if not (header_length.isascii() and header_length.isdigit()) or int(header_length) > len(body):
        raise BadInput(
            f"Inference-Header-Content-Length is {header_length[:40]!r} of {len(body)} bytes.",
            "Send the length of the JSON, which stands first.",
        )
    return int(header_length)


def _is_shape(shape: Any, known: Any) -> bool:
    return (
        isinstance(shape, list)
        and len(shape) == len(known)
        and all(
            type(n) is int and n > 0 and k in (n, -1) for n, k in zip(shape, known, strict=True)
        )
    )


def _encoded(data: Any, shape: list[int]) -> list[bytes]:
    """Return the elements of a BYTES tensor; in JSON each is base64."""
    try:
        if isinstance(data, bytes):
            images = _unpack_bytes(data)
        else:
            images = [base64.b64decode(element, validate=True) for element in data]
    except (struct.error, binascii.Error, TypeError, ValueError) as e:
        raise BadInput(f"The data of `image` are not as expected: {e}.", _REMEDY) from e
    if len(images) != shape[0]:
        raise BadInput(f"`image` has {len(images)} elements; its shape says {shape[0]}.", _REMEDY)
    return images


def _unpack_bytes(data: bytes) -> list[bytes]:
    images: list[bytes] = []
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        if at + 4 + size > len(data):
            raise ValueError(f"element {len(images)} ends after the body")
        images.append(data[at + 4 : at + 4 + size])
        at += 4 + size
    return images


def _drawn(data: Any, shape: list[int]) -> list[bytes]:
    """Return pixels as BMP files, which lose nothing: they meet the limits and the resize rule that
    every image meets.
    """
    try:
        if isinstance(data, bytes):
            pixels = np.frombuffer(data, np.uint8)
        else:
            numbers = np.asarray(data)
            if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() > 255:
                raise ValueError("they are not whole numbers from 0 to 255")
            pixels = numbers.astype(np.uint8)
        if pixels.size != math.prod(shape):
            raise ValueError(f"{pixels.size} numbers for the shape {shape}")
    except (ValueError, TypeError, OverflowError) as e:
        raise BadInput(f"The data of `pixels` are not as expected: {e}."[:300], _REMEDY) from e
    return [_bmp(image) for image in pixels.reshape(shape)]


def _bmp(pixels: npt.NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "BMP")
    return file.getvalue()
