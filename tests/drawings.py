"""Small images made on the spot, each different, the same for the same seed."""

from __future__ import annotations

import io
import random

from PIL import Image, ImageDraw


def stripes(seed: int) -> bytes:
    """A PNG of slanted stripes in two colours."""
    rng = random.Random(f"stripes {seed}")
    image, draw, colour = _canvas(rng)
    width = rng.randrange(3, 9)
    for x in range(-48, 96, 2 * width):
        draw.line([(x, 0), (x + 48, 48)], fill=colour, width=width)
    return _png(image)


def blobs(seed: int) -> bytes:
    """A PNG of a few discs in one colour."""
    rng = random.Random(f"blobs {seed}")
    image, draw, colour = _canvas(rng)
    for _ in range(rng.randrange(2, 6)):
        x, y, r = rng.randrange(48), rng.randrange(48), rng.randrange(4, 12)
        draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)
    return _png(image)


def _canvas(
    rng: random.Random,
) -> tuple[Image.Image, ImageDraw.ImageDraw, tuple[int, int, int]]:
    def colour() -> tuple[int, int, int]:
        return rng.randrange(256), rng.randrange(256), rng.randrange(256)

    image = Image.new("RGB", (48, 48), colour())
    return image, ImageDraw.Draw(image), colour()


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
