"""Pictures of a version's answers: what it confuses, how right it is by label, how sure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from ocellus.prediction import softmax
from training_job.evaluate import Classes, Floats, Images
from training_job.plots.data import MOST_LABELS, strip
from training_job.plots.style import Picture, Theme, bar_height_in, shortened

_CURVES = 6
_MOST_FALSE = 20
_PAIRS, _IMAGES_A_PAIR = 6, 5


@dataclass(frozen=True)
class Judged:
    """Answers to judge by: logits [n, labels], truth [n], the images [n, side, side, 3] if they
    are at hand, and what `measure` says of them. `split` names the images in captions.
    """

    labels: list[str]
    logits: Floats
    truth: Classes
    images: Images | None
    temperature: float
    measured: Mapping[str, Any]
    split: str


def answer_pictures(judged: Judged) -> Iterator[Picture]:
    """Yield the pictures that the answers allow."""
    yield confusion(judged)
    yield per_class(judged)
    if judged.measured["macro"]["roc_auc"] is not None:
        yield roc(judged)
    yield reliability(judged)
    if judged.images is not None and (pairs := _confused(judged)):
        yield confused_pairs(judged, judged.images, pairs)


def confusion(judged: Judged) -> Picture:
    """Rows true, columns answered, in percent of the row."""
    matrix = np.array(judged.measured["confusion"])
    share = 100 * matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    wrong = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * matrix.diagonal()
    chosen = np.sort(np.argsort(-wrong, kind="stable")[:MOST_LABELS])
    share = share[np.ix_(chosen, chosen)]
    names = [shortened(judged.labels[i], 10) for i in chosen]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.add_subplot()
        axes.imshow(np.sqrt(share), cmap=theme.scale, vmin=0, vmax=10)
        if len(names) <= 12:
            for (i, j), value in np.ndenumerate(share):
                if value >= 0.5:
                    colour = theme.surface if value > 40 else theme.ink
                    axes.text(j, i, f"{value:.0f}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(names)), names, rotation=60, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("answered")
        axes.set_ylabel("true")

    less = len(judged.labels) - len(chosen)
    shown = f" The {len(chosen)} labels most often confused." if less else ""
    return Picture(
        "confusion",
        "Confusion",
        f"Of each label's {judged.split} images, the percentage answered as each label.{shown}",
        "A row is a true label: the diagonal is right, a dark field beside it is what the label is "
        "taken for.",
        {"labels": judged.labels, "matrix": matrix.tolist()},
        draw,
        3.5,
    )


def per_class(judged: Judged) -> Picture:
    """Precision, recall and F1 of each label."""
    found = judged.measured["per_class"]
    order = sorted((x for x in judged.labels if found[x]["images"]), key=lambda x: found[x]["f1"])
    order = order[:MOST_LABELS]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.add_subplot()
        rows = range(len(order))
        for name, marker, series in (("precision", "o", 0), ("recall", "s", 1), ("f1", "|", 6)):
            values = [100 * found[label][name] for label in order]
            axes.scatter(values, rows, s=26 if marker == "|" else 13, marker=marker,
                         color=theme.series[series], label="F1" if name == "f1" else name,
                         zorder=3)  # fmt: skip
        axes.set_yticks(rows, [shortened(label) for label in order])
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set_xlabel("%")
        figure.legend(loc="outside upper center", ncols=3)

    worst = " The twenty with the lowest F1." if len(found) > MOST_LABELS else ""
    return Picture(
        "per-class",
        "Precision, recall, F1",
        f"How right the answers are label by label, on {judged.split} images, worst first.{worst}",
        "Recall is how many of a label's images are found; precision how many answers of the label "
        "are right; F1 is between the two.",
        found,
        draw,
        bar_height_in(len(order)) + 0.4,
    )


def roc(judged: Judged) -> Picture:
    """One-vs-rest curves of the labels that are hardest to tell."""
    probabilities = softmax(judged.logits, judged.temperature)
    found = judged.measured["per_class"]
    aucs = {x: found[x]["roc_auc"] for x in judged.labels if found[x]["roc_auc"] is not None}
    hardest = sorted(aucs, key=lambda x: aucs[x])[:_CURVES]
    curves = {}
    for label in hardest:
        c = judged.labels.index(label)
        false, true, _ = roc_curve(judged.truth == c, probabilities[:, c])
        at = np.interp(np.linspace(0, 1, 201) ** 3, false, true)
        curves[label] = at.round(4).tolist()

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.add_subplot()
        x = 100 * np.linspace(0, 1, 201) ** 3
        for (label, curve), colour in zip(curves.items(), theme.series, strict=False):
            axes.plot(x, 100 * np.array(curve), color=colour,
                      label=f"{shortened(label)}  {aucs[label]:.4f}")  # fmt: skip
        axes.set_xlim(0, _MOST_FALSE)
        lowest = min(np.interp(1, x, 100 * np.array(curve)) for curve in curves.values())
        axes.set_ylim(5 * (lowest // 5), 100.5)
        axes.set_xlabel("% of other images taken for the label")
        axes.set_ylabel("% of the label's images found")
        axes.legend(loc="lower right", title="label, AUC")

    mean = judged.measured["macro"]["roc_auc"]
    return Picture(
        "roc",
        "ROC, one label against the rest",
        f"The {len(hardest)} labels hardest to tell, on {judged.split} images; the mean AUC of all "
        f"labels is {mean:.4f}.",
        f"A curve closer to the upper left corner tells its label better. The axis ends at "
        f"{_MOST_FALSE} %; guessing would find as many of the label as of the others.",
        {"auc": aucs, "false_positive_rate": (np.linspace(0, 1, 201) ** 3).round(6).tolist(),
         "true_positive_rate": curves},
        draw,
        3.0,
    )  # fmt: skip


def reliability(judged: Judged) -> Picture:
    """Stated probability against how often it is right."""
    bins = judged.measured["reliability"]
    error = judged.measured["calibration_error"]

    def draw(figure: Figure, theme: Theme) -> None:
        axes = figure.add_subplot()
        x = [100 * b["confidence"] for b in bins]
        axes.plot([0, 100], [0, 100], color=theme.quiet, linewidth=1, linestyle="--")
        axes.plot(x, [100 * b["accuracy"] for b in bins], color=theme.accent)
        most = max(b["images"] for b in bins)
        sizes = [6 + 60 * b["images"] / most for b in bins]
        axes.scatter(x, [100 * b["accuracy"] for b in bins], s=sizes, color=theme.accent, zorder=3)
        axes.set_xlabel("stated probability, %")
        axes.set_ylabel("right, %")
        axes.set_xlim(0, 102)
        axes.set_ylim(0, 102)
        axes.grid()

    return Picture(
        "reliability",
        "Reliability",
        f"Among answers of about one stated probability, how many are right, on {judged.split} "
        f"images; a larger dot stands for more. The expected calibration error is {error:.4f}.",
        "On the dashed line a probability is true to its word; under it the version is too sure of "
        "itself.",
        {"calibration_error": error, "bins": bins},
        draw,
        3.0,
    )


def confused_pairs(
    judged: Judged, images: Images, pairs: list[tuple[int, int, npt.NDArray[np.intp]]]
) -> Picture:
    """The labels most often taken for each other, with images."""

    def draw(figure: Figure, theme: Theme) -> None:
        rows = figure.subplots(len(pairs), 1, squeeze=False)[:, 0]
        for axes, (true, answered, found) in zip(rows, pairs, strict=True):
            strip(axes, images[found], _IMAGES_A_PAIR)
            names = shortened(judged.labels[true]), shortened(judged.labels[answered])
            axes.set_ylabel(
                f"{names[0]}\n→ {names[1]}: {len(found)}", rotation=0, ha="right", va="center"
            )

    return Picture(
        "confused-pairs",
        "Most confused pairs",
        f"The labels most often mistaken, as true → answered with how often on {judged.split} "
        "images, and the images on which the version was surest of the wrong answer.",
        "If you would err too, the images are hard; if not, more images like these will help.",
        [
            {"true": judged.labels[a], "answered": judged.labels[b], "images": len(found)}
            for a, b, found in pairs
        ],
        draw,
        0.2 + 0.5 * len(pairs),
        of_images=True,
    )


def _confused(judged: Judged) -> list[tuple[int, int, npt.NDArray[np.intp]]]:
    """Return the most frequent mistakes: true class, answered class, rows, the surest first."""
    probabilities = softmax(judged.logits, judged.temperature)
    answers = probabilities.argmax(axis=1)
    matrix = np.array(judged.measured["confusion"])
    np.fill_diagonal(matrix, 0)
    pairs = []
    for flat in np.argsort(-matrix, axis=None, kind="stable")[:_PAIRS]:
        true, answered = divmod(int(flat), len(judged.labels))
        if not matrix[true, answered]:
            break
        rows = np.flatnonzero((judged.truth == true) & (answers == answered))
        pairs.append((true, answered, rows[np.argsort(-probabilities[rows, answered])]))
    return pairs
