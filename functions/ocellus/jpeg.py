"""Plain JPEGs, most images that come, by libjpeg-turbo without Pillow's parsing around it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import simplejpeg

_START = b"\xff\xd8\xff"
_PROGRESSIVE = b"\xff\xc2"
"""In a JPEG's coded pixels a 0xff is never followed by this."""
_MAY_TURN = (b"Exif\0\0", b"tiff:Orientation")
"""Where Pillow looks for an orientation."""


def is_baseline(data: bytes) -> bool:
    """Say whether it is a JPEG that decodes in one pass: in time that its size bounds."""
    return data.startswith(_START) and _PROGRESSIVE not in data


def decode_plain(data: bytes, side: int, max_pixels: int) -> npt.NDArray[np.uint8] | None:
    """Decode a JPEG that needs nothing but decoding, its shorter side reduced to no less than
    `side`: by 2, 4 or 8, as Pillow's draft mode does, to the same pixels.

    Returns: uint8 [h, w, 3], RGB; None for whatever else it is (another format, metadata that may
    turn it, CMYK, too large, damaged), of which Pillow knows more.
    """
    if not data.startswith(_START) or any(mark in data for mark in _MAY_TURN):
        return None
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(data)
        if height * width > max_pixels or colours not in ("YCbCr", "Gray"):
            return None
        room = min(height, width) // side
        scale = 8 if room >= 8 else 4 if room >= 4 else 2 if room >= 2 else 1
        return np.asarray(
            simplejpeg.decode_jpeg(
                data, "RGB", min_height=-(-height // scale), min_width=-(-width // scale)
            )
        )
    except ValueError:
        return None
