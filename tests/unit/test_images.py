"""Images: from strangers' bytes to the tensor."""

from __future__ import annotations

import io
import tracemalloc
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from pictures import png_header
from PIL import Image

from ocellus.errors import InvalidImage, TooLarge
from ocellus.images import MAX_IMAGE_BYTES, decode, probe

Pixels = npt.NDArray[np.uint8]


@pytest.fixture
def pixels() -> Pixels:
    return np.random.default_rng(7).integers(0, 256, (32, 32, 3), dtype=np.uint8)


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def close_to(colour: tuple[int, int, int], image: Pixels, tolerance: int = 6) -> bool:
    return bool((np.abs(image.astype(int) - colour) <= tolerance).all())


@pytest.mark.parametrize(
    ("kind", "options", "extension"),
    [
        ("PNG", {}, "png"),
        ("WEBP", {"lossless": True}, "webp"),
        ("BMP", {}, "bmp"),
        ("TIFF", {}, "tiff"),
        ("TIFF", {"compression": "tiff_lzw"}, "tiff"),
    ],
)
def test_a_lossless_image_of_the_right_size_comes_through_unchanged(
    pixels: Pixels, kind: str, options: dict[str, object], extension: str
) -> None:
    data = encode(Image.fromarray(pixels), kind, **options)
    assert np.array_equal(decode(data, 32, 32), pixels)
    assert (probe(data).extension, probe(data).width, probe(data).height) == (extension, 32, 32)


@pytest.mark.parametrize("kind", ["JPEG", "GIF"])
def test_a_lossy_image_keeps_its_colour(kind: str) -> None:
    data = encode(Image.new("RGB", (50, 40), (200, 60, 20)), kind)
    assert close_to((200, 60, 20), decode(data, 32, 32))
    assert probe(data).extension == {"JPEG": "jpg", "GIF": "gif"}[kind]


def test_a_multi_picture_jpeg_gives_its_first_picture() -> None:
    second = Image.new("RGB", (64, 64), "blue")
    data = encode(Image.new("RGB", (64, 64), "red"), "MPO", save_all=True, append_images=[second])
    assert close_to((254, 0, 0), decode(data, 32, 32))
    assert probe(data).extension == "jpg"


def test_the_shape_is_height_by_width_and_the_middle_is_kept() -> None:
    image = Image.new("RGB", (90, 30), "red")
    image.paste("blue", (30, 0, 60, 30))
    inside = decode(encode(image, "PNG"), 16, 16)[:, 1:-1]  # the filter reaches over the edges
    assert close_to((0, 0, 255), inside)
    assert decode(encode(image, "PNG"), 16, 48).shape == (16, 48, 3)


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: np.rot90(np.fliplr(a))),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(np.fliplr(a), -1)),
        (8, np.rot90),
    ],
)
def test_exif_orientation_is_undone(
    pixels: Pixels, orientation: int, upright: Callable[[Pixels], Pixels]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(Image.fromarray(pixels), "PNG", exif=exif)
    assert np.array_equal(decode(data, 32, 32), upright(pixels))


def test_a_large_jpeg_is_turned_upright_after_its_reduced_decoding() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (600, 400), "red")
    image.paste("blue", (0, 0, 300, 400))  # the left half, which orientation 6 brings up
    fitted = decode(encode(image, "JPEG", exif=exif), 32, 32)
    assert close_to((0, 0, 254), fitted[:8])
    assert close_to((254, 0, 0), fitted[-8:])


def test_sixteen_bits_are_scaled_to_eight() -> None:
    values = np.repeat(np.linspace(0, 65535, 32).astype(np.uint16)[None], 32, axis=0)
    decoded = decode(encode(Image.fromarray(values), "PNG"), 32, 32)
    assert np.array_equal(
        decoded[0, :, 0], (values[0].astype(float) / 65535 * 255).astype(np.uint8)
    )
    assert np.array_equal(decoded[..., 0], decoded[..., 2])


def test_floating_samples_are_scaled_to_eight_bits() -> None:
    values = np.repeat(np.linspace(-1, 1, 32, dtype=np.float32)[None], 32, axis=0)
    decoded = decode(encode(Image.fromarray(values), "TIFF"), 32, 32)
    assert (decoded[0, 0, 0], decoded[0, -1, 0]) == (0, 255)


def test_transparency_is_laid_on_white() -> None:
    image = Image.new("RGBA", (32, 32), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 16, 32))
    decoded = decode(encode(image, "PNG"), 32, 32)
    assert close_to((255, 255, 255), decoded[:, :16])
    assert close_to((255, 0, 0), decoded[:, 16:])


def test_a_transparent_palette_entry_is_laid_on_white() -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([0, 255, 0, 0, 0, 255])
    image.paste(0, (0, 0, 16, 32))
    decoded = decode(encode(image, "PNG", transparency=0), 32, 32)
    assert close_to((255, 255, 255), decoded[:, :16])
    assert close_to((0, 0, 255), decoded[:, 16:])


def test_a_cmyk_jpeg_becomes_rgb() -> None:
    data = encode(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG")
    assert close_to((255, 0, 0), decode(data, 32, 32))


@pytest.mark.parametrize("mode", ["1", "L", "LA"])
def test_grey_images_become_rgb(mode: str) -> None:
    assert close_to(
        (255, 255, 255), decode(encode(Image.new(mode, (9, 9), "white"), "PNG"), 32, 32)
    )


def test_an_animation_gives_its_first_frame() -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "green", "blue")]
    data = encode(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)
    assert close_to((255, 0, 0), decode(data, 32, 32))


def test_one_pixel_fills_the_square() -> None:
    assert close_to(
        (1, 2, 3), decode(encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"), 32, 32), 0
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"I am no image, whatever my name says.", id="text"),
        pytest.param(b"\xff\xd8\xff\xe0", id="start of a JPEG"),
        pytest.param(encode(Image.new("RGB", (64, 64), "red"), "PPM"), id="a format not taken"),
        pytest.param(png_header(8, 8), id="a PNG without pixels"),
    ],
)
def test_bytes_that_are_no_image_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidImage) as caught:
        decode(data, 32, 32)
    assert caught.value.remedy.startswith("Send a whole JPEG")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_truncated_image_is_refused(pixels: Pixels, kind: str) -> None:
    data = encode(Image.fromarray(pixels), kind)
    with pytest.raises(InvalidImage):
        probe(data[: len(data) // 2])


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of odd metadata
def test_mutilated_images_give_an_image_or_are_refused(pixels: Pixels) -> None:
    rng = np.random.default_rng(3)
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = np.frombuffer(encode(Image.fromarray(pixels), "JPEG", exif=exif), np.uint8)
    refused = 0
    for _ in range(300):
        data = whole.copy()
        data[rng.integers(2, 120, 3)] = rng.integers(0, 256, 3)
        try:
            assert decode(data.tobytes(), 32, 32).shape == (32, 32, 3)
        except (InvalidImage, TooLarge):
            refused += 1
    assert refused


def test_a_huge_png_is_refused_from_its_header() -> None:
    data = png_header(20_000, 20_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="20000 x 20000"):
            decode(data, 32, 32)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_a_jpeg_may_have_more_pixels_than_a_png() -> None:
    data = encode(Image.new("L", (6000, 5000)), "JPEG")
    assert decode(data, 32, 32).shape == (32, 32, 3)
    with pytest.raises(TooLarge, match="25 million"):
        decode(png_header(6000, 5000), 32, 32)


def test_a_progressive_jpeg_is_held_to_the_limit_of_what_is_decoded_whole() -> None:
    data = encode(Image.new("L", (6000, 5000)), "JPEG", progressive=True)
    with pytest.raises(TooLarge, match="progressive JPEG is 25 million"):
        decode(data, 32, 32)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(TooLarge, match=str(MAX_IMAGE_BYTES)):
        decode(bytes(MAX_IMAGE_BYTES + 1), 32, 32)
