"""How every picture looks: two themes, one size, legible at 360 CSS pixels across."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

WIDTH_IN, DPI = 3.6, 200
"""720 pixels: 360 CSS pixels at twice the density."""


@dataclass(frozen=True)
class Theme:
    """Colours of the page. `series` are told apart without colour vision too.

    Source of the series: Okabe and Ito, "Color Universal Design", 2008.
    """

    surface: str
    ink: str
    quiet: str
    line: str
    accent: str
    series: tuple[str, ...]

    @property
    def scale(self) -> LinearSegmentedColormap:
        """From the surface to the accent."""
        return LinearSegmentedColormap.from_list("scale", [self.surface, self.accent])


LIGHT = Theme(
    "#ffffff", "#16222a", "#55656e", "#d5dcdf", "#0b6a73",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#16222a"),
)  # fmt: skip
DARK = Theme(
    "#182025", "#e6edf0", "#9fb0b8", "#2f3b42", "#56c5cd",
    ("#56b4e9", "#f0904a", "#2fc99c", "#e3a3c8", "#f0e442", "#8fb8ff", "#e6edf0"),
)  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """A picture with its caption and the numbers behind it. `draw` fills a figure."""

    name: str
    title: str
    shows: str
    how_to_read: str
    numbers: Any
    draw: Callable[[Figure, Theme], None]
    height_in: float = 2.6
    of_images: bool = False
    """Shows photographs, which need more than a chart's few colours."""


def render(picture: Picture, theme: Theme) -> bytes:
    """Return the picture as PNG, the same bytes for the same numbers."""
    style: dict[Any, Any] = {
        "font.family": "DejaVu Sans",
        "font.size": 7.5,
        "axes.facecolor": theme.surface,
        "axes.edgecolor": theme.line,
        "axes.labelcolor": theme.quiet,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 7.5,
        "text.color": theme.ink,
        "xtick.color": theme.quiet,
        "ytick.color": theme.quiet,
        "xtick.major.size": 2,
        "ytick.major.size": 0,
        "grid.color": theme.line,
        "grid.linewidth": 0.6,
        "lines.linewidth": 1.4,
        "legend.frameon": False,
        "legend.fontsize": 7.5,
    }
    with mpl.rc_context(style):
        figure = Figure((WIDTH_IN, picture.height_in), dpi=DPI, layout="constrained")
        figure.set_facecolor(theme.surface)
        FigureCanvasAgg(figure)
        picture.draw(figure, theme)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    image, small = Image.open(buffer).convert("RGB"), io.BytesIO()
    if not picture.of_images:
        image = image.quantize(128)
    image.save(small, "png", optimize=True)
    return small.getvalue()


def bars(axes: Axes, names: list[str], values: list[float], theme: Theme, text: list[str]) -> None:
    """Draw horizontal bars, first name on top, each with its text at its end."""
    rows = range(len(names))
    axes.barh(rows, values, color=theme.accent, height=0.7)
    for row, value, said in zip(rows, values, text, strict=True):
        axes.text(value, row, f" {said}", va="center", color=theme.ink)
    axes.set_yticks(rows, [shortened(name) for name in names])
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(0, max([*values, 1e-9]) * 1.22)


def shortened(name: str, most: int = 14) -> str:
    """Return the name, cut if it is long."""
    return name if len(name) <= most else name[: most - 1] + "…"


def bar_height_in(rows: int) -> float:
    """Return how high a picture of so many bars must be."""
    return 0.4 + 0.17 * max(rows, 3)
