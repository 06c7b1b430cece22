"""From nothing on a few photographs: how good, how fast?

Draws photo-like images of four things, 80 of each at 96 pixels, each with a light, a ground, a
pose, blur and grain of its own, trains on them as a user would, and reports what the held-out ones
say. They are few, so 100 further drawings of each, in the data set's `test` folder, say it more
exactly. The images stay in the work folder to be looked at.

    python loadtest/small_set.py [--work small-set-work] > loadtest/results/DATE-small-set.md
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 96
PARTS = {"train": range(80), "test": range(1_000, 1_100)}
"""Drawings of each thing, by number."""
_DRAWN = 3 * SIDE
"""Drawn this large and made small, for smooth edges."""

Colour = tuple[int, int, int]
Thing = Callable[[ImageDraw.ImageDraw, np.random.Generator, Colour], None]


def mug(draw: ImageDraw.ImageDraw, rng: np.random.Generator, colour: Colour) -> None:
    """A cylinder with a handle."""
    width, height = rng.uniform(60, 90), rng.uniform(80, 120)
    x, y = 144 - width / 2, 144 - height / 2
    thick = int(rng.uniform(8, 14))
    draw.ellipse([x + width - 22, y + 18, x + width + 38, y + height - 18],
                 outline=_lit(colour, 0.85), width=thick)  # fmt: skip
    draw.rounded_rectangle([x, y, x + width, y + height], 14, fill=colour)
    draw.rectangle([x + width * 0.72, y + 8, x + width * 0.9, y + height - 12],
                   fill=_lit(colour, 0.8))  # fmt: skip
    draw.ellipse([x, y - 12, x + width, y + 14], fill=_lit(colour, 1.15))
    draw.ellipse([x + 7, y - 7, x + width - 7, y + 9], fill=_lit(colour, 0.35))


def leaf(draw: ImageDraw.ImageDraw, rng: np.random.Generator, colour: Colour) -> None:
    """A pointed oval with ribs and a stalk."""
    length, wide = rng.uniform(85, 115), rng.uniform(28, 48)
    along = np.linspace(-1, 1, 40)
    half = wide * (1 - along**2) ** rng.uniform(0.8, 1.3)
    upper = [(144 + length * a, 144 - h) for a, h in zip(along, half, strict=True)]
    lower = [(144 + length * a, 144 + h) for a, h in zip(along, half, strict=True)]
    draw.polygon(upper + lower[::-1], fill=colour)
    rib = _lit(colour, 0.7)
    draw.line([(144 - length - 35, 144), (144 + length, 144)], fill=rib, width=5)
    for a in np.linspace(-0.7, 0.6, 6):
        reach = wide * (1 - a**2) * 0.8
        for sign in (-1, 1):
            draw.line([(144 + length * a, 144), (144 + length * a + 22, 144 + sign * reach)],
                      fill=rib, width=3)  # fmt: skip


def key(draw: ImageDraw.ImageDraw, rng: np.random.Generator, colour: Colour) -> None:
    """A ring, a shaft and a bit with teeth."""
    ring, shaft = rng.uniform(28, 40), rng.uniform(90, 125)
    thick = rng.uniform(11, 17)
    x = 144 - shaft / 2
    draw.ellipse([x - 2 * ring, 144 - ring, x, 144 + ring], outline=colour, width=int(thick))
    draw.rectangle([x - 6, 144 - thick / 2, x + shaft, 144 + thick / 2], fill=colour)
    for i in range(int(rng.integers(2, 5))):
        at = x + shaft - 10 - 17 * i
        draw.rectangle([at - 10, 144, at, 144 + rng.uniform(22, 38)], fill=colour)


def ball(draw: ImageDraw.ImageDraw, rng: np.random.Generator, colour: Colour) -> None:
    """A sphere, shaded, with a band."""
    r = rng.uniform(55, 95)
    for i in range(30):
        share = 1 - i / 30
        off = 0.35 * r * (1 - share)
        draw.ellipse([144 - r * share - off, 144 - r * share - off,
                      144 + r * share - off, 144 + r * share - off],
                     fill=_lit(colour, 0.6 + 0.6 * i / 30))  # fmt: skip
    draw.arc([144 - r, 144 - r * 0.5, 144 + r, 144 + r * 0.5], 10, 170,
             fill=_lit(colour, 0.4), width=7)  # fmt: skip


THINGS: dict[str, Thing] = {"mug": mug, "leaf": leaf, "key": key, "ball": ball}


def photograph(thing: Thing, rng: np.random.Generator) -> Image.Image:
    """Return the thing on a ground of its own, in a light of its own."""
    ground, light = _ground(rng), rng.uniform(0.55, 1.25)
    layer = Image.new("RGBA", (_DRAWN, _DRAWN))
    colour: Colour = tuple(int(c) for c in rng.integers(30, 235, 3))  # type: ignore[assignment]
    thing(ImageDraw.Draw(layer), rng, colour)
    size = int(_DRAWN * rng.uniform(0.55, 1.0))
    turned = layer.rotate(rng.uniform(-50, 50), Image.Resampling.BICUBIC).resize((size, size))
    if rng.random() < 0.5:
        turned = turned.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    room = _DRAWN - size
    x, y = (int(room / 2 + rng.uniform(-0.5, 0.5) * (room + 50)) for _ in range(2))
    shadow = Image.new("RGBA", turned.size, (0, 0, 0, 110))
    shadow.putalpha(turned.getchannel("A").point(lambda a: a * 0.45))
    ground.paste(shadow, (x + 12, y + 16), shadow.filter(ImageFilter.GaussianBlur(9)))
    ground.paste(turned, (x, y), turned)
    small = ground.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    small = small.filter(ImageFilter.GaussianBlur(rng.uniform(0, 0.9)))
    pixels = np.asarray(small, np.float32) * light * rng.uniform(0.85, 1.15, 3)
    slope = np.linspace(rng.uniform(0.7, 1), rng.uniform(0.7, 1), SIDE)[None, :, None]
    grain = rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return Image.fromarray(np.clip(pixels * slope + grain, 0, 255).astype(np.uint8))


def _ground(rng: np.random.Generator) -> Image.Image:
    """Return cloth, wood or a wall: soft noise of two scales between two colours."""
    a, b = rng.uniform(20, 235, (2, 3))
    mix = np.zeros((_DRAWN, _DRAWN))
    for cells in (int(rng.integers(2, 6)), int(rng.integers(10, 40))):
        stretched = (cells, max(cells // int(rng.integers(1, 6)), 1))
        noise = Image.fromarray((rng.random(stretched) * 255).astype(np.uint8))
        mix += np.asarray(noise.resize((_DRAWN, _DRAWN), Image.Resampling.BICUBIC)) / 510
    colours = a + mix[..., None] * (b - a)
    ground = Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(ground)
    for _ in range(int(rng.integers(0, 5))):  # clutter
        x, y, r = *rng.uniform(0, _DRAWN, 2), rng.uniform(8, 45)
        fill = tuple(int(c) for c in rng.integers(0, 255, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape([x - r, y - r * rng.uniform(0.3, 1), x + r, y + r * 0.6], fill=fill)
    return ground


def _lit(colour: Colour, share: float) -> Colour:
    r, g, b = (min(255, math.floor(c * share)) for c in colour)
    return r, g, b


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--work", type=Path, default=Path("small-set-work"))
    given = parser.parse_args()
    photos = given.work / "photos"
    for part, drawings in PARTS.items():
        for number, (name, thing) in enumerate(THINGS.items()):
            (photos / part / name).mkdir(parents=True, exist_ok=True)
            for i in drawings:
                rng = np.random.default_rng((number, i))
                photograph(thing, rng).save(photos / part / name / f"{i:02}.jpg", quality=90)
    print("# From nothing on 4 x 80 photo-like images of 96 pixels\n")
    print("| seed | right of those held out, % | right of further drawings, % | minutes |")
    print("|---:|---:|---:|---:|")
    for seed in (1, 2, 3):
        folder = given.work / f"data{seed}-{time.time_ns()}"
        environ = os.environ | {"OCELLUS_DATA_DIR": str(folder), "OCELLUS_SEED_DIR": "/nonexistent"}
        command = [sys.executable, "-m", "training_job", "--dataset", str(photos)]
        began = time.monotonic()
        subprocess.run([*command, "--seed", str(seed)], env=environ, check=True, stdout=sys.stderr)
        minutes = (time.monotonic() - began) / 60
        manifest = json.loads((folder / "blobs/models/v1/manifest.json").read_text())
        shares = [
            f"{100 * found['accuracy']:.1f} of {found['images']}"
            for found in (manifest["metrics"]["holdout"], manifest["metrics"]["test"])
        ]
        print(f"| {seed} | {' | '.join(shares)} | {minutes:.1f} |", flush=True)


if __name__ == "__main__":
    main()
