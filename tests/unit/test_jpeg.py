"""The short way to decode a JPEG: the same pixels as Pillow's, or left to Pillow."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from ocellus import images
from ocellus.jpeg import decode_plain, is_baseline


def jpeg(width: int, height: int, mode: str = "RGB", **options: object) -> bytes:
    noise = Image.effect_noise((width // 4 + 1, height // 4 + 1), 80).resize((width, height))
    file = io.BytesIO()
    noise.convert(mode).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize(
    "size", [(32, 32), (31, 50), (64, 64), (130, 129), (641, 479), (2000, 520)]
)
def test_the_pixels_are_those_of_pillow(
    size: tuple[int, int], subsampling: str, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = jpeg(*size, mode, subsampling=subsampling)
    short = images.decode(data, 32, 32)
    assert decode_plain(data, 64, 10**7) is not None
    monkeypatch.setattr(images, "decode_plain", lambda *given: None)
    assert np.array_equal(short, images.decode(data, 32, 32))


def test_a_large_one_is_decoded_at_an_eighth() -> None:
    decoded = decode_plain(jpeg(1000, 800), 64, 10**7)
    assert decoded is not None
    assert decoded.shape == (100, 125, 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\xd8\xff\xe0", id="start only"),
        pytest.param(jpeg(64, 64)[:-50], id="truncated"),
        pytest.param(jpeg(64, 64, "CMYK"), id="CMYK"),
        pytest.param(jpeg(64, 64, exif=Image.Exif().tobytes()), id="EXIF"),
        pytest.param(jpeg(64, 64, xmp=b'tiff:Orientation="6"'), id="XMP"),
        pytest.param(jpeg(200, 200), id="too large"),
    ],
)
def test_whatever_else_is_left_to_pillow(data: bytes) -> None:
    assert decode_plain(data, 64, 30_000) is None


@pytest.mark.parametrize(
    ("data", "baseline"),
    [
        (jpeg(100, 80), True),
        (jpeg(100, 80, progressive=True), False),
        (jpeg(5000, 4000, "L", progressive=True, quality=1), False),
        (b"\x89PNG\r\n", False),
        (b"", False),
    ],
)
def test_a_baseline_jpeg_is_told_from_all_else(data: bytes, baseline: bool) -> None:
    assert is_baseline(data) is baseline
