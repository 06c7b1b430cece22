"""Images: from untrusted bytes to the one tensor that training, serving and the notebook share."""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps

from ocellus.errors import InvalidImage, TooLarge
from ocellus.jpeg import decode_plain

EXTENSIONS = {
    "JPEG": "jpg",
    "MPO": "jpg",
    "PNG": "png",
    "WEBP": "webp",
    "GIF": "gif",
    "BMP": "bmp",
    "TIFF": "tiff",
}
CONTENT_TYPES = {
    extension: f"image/{name.lower()}" for name, extension in EXTENSIONS.items() if name != "MPO"
}
"""By extension."""
_OPENERS = [name for name in EXTENSIONS if name != "MPO"]  # Pillow opens an MPO as a JPEG
MAX_JPEG_PIXELS = 50_000_000
"""A baseline JPEG is decoded at reduced scale, so a large photograph costs little."""
MAX_PIXELS = 25_000_000
"""Other formats are decoded whole: 100 MB at four bytes a pixel. A progressive JPEG's coefficients
are, too: up to 150 MB.
"""
MAX_IMAGE_BYTES = 20 * 1024 * 1024
RESIZE_RULE = "fit-bilinear"
"""Scale with an antialiased bilinear filter so that the image covers the square, cut the middle."""

_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, IndexError, EOFError, OverflowError, MemoryError,
    struct.error,
)  # fmt: skip
"""What Pillow was seen to raise on mutilated files."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_REMEDY = "Send a whole JPEG, PNG, WebP, GIF, BMP or TIFF file."

Image.MAX_IMAGE_PIXELS = None  # the limits above are checked from the header, before any pixel
warnings.filterwarnings("ignore", module="PIL")  # of odd metadata; the pixels decide


@dataclass(frozen=True)
class Probe:
    """What an image's bytes turned out to be."""

    extension: str
    width: int
    height: int


def decode(data: bytes, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Decode, turn upright by EXIF, convert to RGB and resize by `fit-bilinear`.

    Animated files give their first frame; transparency is laid on white; 16-bit and floating
    samples are scaled to 8 bits.

    Returns: uint8 [height, width, 3], RGB, 0 to 255.
    Raises: InvalidImage, TooLarge.
    """
    # 2 x leaves the antialiasing filter pixels to work on; orientation may swap sides.
    side = 2 * max(height, width)
    if len(data) <= MAX_IMAGE_BYTES:
        plain = decode_plain(data, side, MAX_PIXELS)
        if plain is not None:
            return (
                plain
                if plain.shape[:2] == (height, width)
                else _fit(Image.fromarray(plain), height, width)
            )
    with _open(data) as image:
        try:
            if image.format in ("JPEG", "MPO"):
                image.draft("RGB", (side, side))
            rgb = _to_rgb(image)
            if (turn := _turn(image)) is not None:
                rgb = rgb.transpose(turn)
            return _fit(rgb, height, width)
        except _BROKEN as e:
            raise InvalidImage(f"The image cannot be decoded: {e}.", _REMEDY) from e


def probe(data: bytes) -> Probe:
    """Decode the bytes once, to know that they are a whole image of a known format.

    Raises: InvalidImage, TooLarge.
    """
    decode(data, 32, 32)
    with _open(data) as image:
        return Probe(EXTENSIONS[image.format or ""], image.width, image.height)


def _open(data: bytes) -> Image.Image:
    if not data:
        raise InvalidImage("The image is empty: 0 bytes.", _REMEDY)
    if len(data) > MAX_IMAGE_BYTES:
        raise TooLarge(
            f"The image has {len(data)} bytes; the limit is {MAX_IMAGE_BYTES}.",
            "Send a smaller image.",
        )
    try:
        image = Image.open(io.BytesIO(data), formats=_OPENERS)
    except _BROKEN as e:
        raise InvalidImage(
            f"The {len(data)} bytes are not an image of a known format.", _REMEDY
        ) from e
    baseline = image.format in ("JPEG", "MPO") and "progressive" not in image.info
    limit = MAX_JPEG_PIXELS if baseline else MAX_PIXELS
    if image.width * image.height > limit:
        image.close()
        kind = "progressive JPEG" if image.format == "JPEG" and not baseline else image.format
        raise TooLarge(
            f"The image has {image.width} x {image.height} pixels; "
            f"the limit for {kind} is {limit // 1_000_000} million.",
            "Scale it down first.",
        )
    return image


def _fit(image: Image.Image, height: int, width: int) -> npt.NDArray[np.uint8]:
    return np.asarray(ImageOps.fit(image, (width, height), Image.Resampling.BILINEAR))


def _turn(image: Image.Image) -> Image.Transpose | None:
    """Return the turn that the EXIF orientation asks for; unreadable metadata asks for none."""
    try:
        return _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    except _BROKEN:
        return None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode == "RGB":
        return image
    if image.mode == "F" or image.mode.startswith("I"):
        values = np.asarray(image, dtype=np.float32)
        low, high = (0.0, 65535.0) if image.mode != "F" else (values.min(), values.max())
        scaled = (values - low) * (255.0 / max(high - low, 1e-9))
        return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8)).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")
