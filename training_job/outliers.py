"""Images of no known class, drawn: what a network should answer `none of these` to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Images = npt.NDArray[np.uint8]
Draw = Callable[[np.random.Generator, int], Images]

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def outliers(count: int, side: int, seed: int = 1) -> dict[str, Images]:
    """Return `count` images uint8 [count, side, side, 3] of each kind, the same for a seed."""
    return {
        kind: np.stack([draw(np.random.default_rng((seed, i)), side) for i in range(count)])
        for kind, draw in _KINDS.items()
    }


def _noise(rng: np.random.Generator, side: int) -> Images:
    """Grains of one to four pixels, in colour or grey."""
    grain = int(rng.integers(1, 5))
    small = -(-side // grain)
    pixels = rng.integers(0, 256, (small, small, int(rng.choice([1, 3]))))
    large = np.repeat(np.repeat(pixels, grain, 0), grain, 1)[:side, :side]
    return np.asarray(np.broadcast_to(large, (side, side, 3)), np.uint8)


def _texture(rng: np.random.Generator, side: int) -> Images:
    """Waves laid over each other, as of cloth, bark or water."""
    y, x = np.mgrid[0:side, 0:side] / side
    image = np.zeros((side, side, 3))
    for _ in range(int(rng.integers(1, 5))):
        angle, cycles, phase = rng.uniform(0, np.pi), rng.uniform(2, side / 4), rng.uniform(0, 6.3)
        wave = np.sin(2 * np.pi * cycles * (x * np.cos(angle) + y * np.sin(angle)) + phase)
        image += wave[..., None] * rng.uniform(-1, 1, 3)
    low, high = image.min(), max(image.max(), image.min() + 1e-6)
    return np.asarray((image - low) / (high - low) * 255, np.uint8)


def _gradient(rng: np.random.Generator, side: int) -> Images:
    """One colour that fades into another, as an empty sky or wall."""
    y, x = np.mgrid[0:side, 0:side] / max(side - 1, 1)
    angle = rng.uniform(0, 2 * np.pi)
    along = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle) + 0.5
    start, end = rng.uniform(0, 255, (2, 3))
    return np.asarray(np.clip(start + along[..., None] * (end - start), 0, 255), np.uint8)


def _blank(rng: np.random.Generator, side: int) -> Images:
    """One colour, as of a lens cap or an empty page."""
    return np.asarray(np.broadcast_to(_colour(rng), (side, side, 3)), np.uint8)


def _shapes(rng: np.random.Generator, side: int) -> Images:
    """Flat polygons and discs on a flat ground."""
    image = Image.new("RGB", (side, side), _colour(rng))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 6))):
        corners = [tuple(p) for p in rng.uniform(0, side, (int(rng.integers(2, 6)), 2)).tolist()]
        if len(corners) == 2:
            (a, b), (c, d) = corners
            draw.ellipse((min(a, c), min(b, d), max(a, c), max(b, d)), fill=_colour(rng))
        else:
            draw.polygon(corners, fill=_colour(rng))
    return np.asarray(image)


def _text(rng: np.random.Generator, side: int) -> Images:
    """Lines of letters on a flat ground."""
    image = Image.new("RGB", (side, side), _colour(rng))
    draw = ImageDraw.Draw(image)
    size = int(rng.integers(max(side // 4, 8), max(side // 2, 10)))
    font, colour = ImageFont.load_default(size), _colour(rng)
    for top in range(int(rng.integers(-4, 4)), side, size + 1):
        letters = "".join(rng.choice(list(_LETTERS), 8))
        draw.text((int(rng.integers(-4, 4)), top), letters, fill=colour, font=font)
    return np.asarray(image)


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return red, green, blue


_KINDS: dict[str, Draw] = {
    "noise": _noise,
    "texture": _texture,
    "gradient": _gradient,
    "blank": _blank,
    "shapes": _shapes,
    "text": _text,
}
