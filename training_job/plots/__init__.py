"""Evidence in pictures: each in a light and a dark theme, with a caption and its numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from training_job.plots.style import DARK, LIGHT, Picture, render

INDEX = "plots/index.json"


def picture_files(pictures: Iterable[Picture], report: Callable[[], None]) -> dict[str, bytes]:
    """Return `plots/<name>.png`, `plots/<name>.dark.png` and `plots/index.json`, which lists the
    pictures with title, what each shows, how to read it and the numbers behind it. `report` is
    called before each.
    """
    files, index = {}, []
    for picture in pictures:
        report()
        names = {"light": f"plots/{picture.name}.png", "dark": f"plots/{picture.name}.dark.png"}
        files[names["light"]] = render(picture, LIGHT)
        files[names["dark"]] = render(picture, DARK)
        index.append(
            {
                "name": picture.name,
                "title": picture.title,
                "shows": picture.shows,
                "how_to_read": picture.how_to_read,
                **names,
                "numbers": picture.numbers,
            }
        )
    files[INDEX] = json.dumps(index, ensure_ascii=False).encode()
    return files
