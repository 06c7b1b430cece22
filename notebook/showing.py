"""How the notebook shows things: pictures in the trainer's style, and tables."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure
from PIL import Image as Pixels

from training_job.evaluate import Images
from training_job.plots.data import strip
from training_job.plots.style import LIGHT, Picture, Theme, render

_WIDTH = 540
_ROW_IN = 0.42


def show(picture: Picture) -> None:
    """Show a picture with its title and what it shows."""
    image, caption = render(picture, LIGHT), f"*{picture.title}.* {picture.shows}"
    display(Image(image, width=_WIDTH), Markdown(caption))  # type: ignore[no-untyped-call]


def show_rows(title: str, shows: str, rows: Mapping[str, Images]) -> None:
    """Show images in rows of one name each; a row is [n, side, side, 3]."""
    columns = max(len(images) for images in rows.values())

    def draw(figure: Figure, theme: Theme) -> None:
        grid = figure.subplots(len(rows), 1, squeeze=False)[:, 0]
        for axes, (name, images) in zip(grid, rows.items(), strict=True):
            strip(axes, images, columns)
            axes.set_ylabel(name, rotation=0, ha="right", va="center")

    show(Picture("rows", title, shows, "", None, draw, 0.1 + _ROW_IN * len(rows), of_images=True))


def table(*rows: Sequence[object]) -> None:
    """Show a table; the first row names the columns."""
    head, *body = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    text = "\n".join([head, "|---" * len(rows[0]) + "|", *body])
    display(Markdown(text))  # type: ignore[no-untyped-call]


def png(pixels: Images) -> bytes:
    """Return an image [height, width, 3] as the bytes of a file."""
    buffer = io.BytesIO()
    Pixels.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
