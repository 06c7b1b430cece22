"""Quick retraining: the extractor stays, the head learns the new samples and replays the old."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import log_softmax

from ocellus.errors import BadInput
from ocellus.ports import Blobs
from ocellus.replay import Replay
from ocellus.runs import Progress
from ocellus.runtime import HeadSession
from ocellus.samples import HOLDOUT, TRAIN, Sample
from training_job.candidates import (
    Candidate,
    LoadedVersion,
    Served,
    agreement_of,
    extended,
    read_samples,
    unlearned,
)
from training_job.checks import Fresh
from training_job.evaluate import run_artifact
from training_job.export import export
from training_job.network import grow_head
from training_job.pulse import Pulse

Floats = npt.NDArray[np.floating]

NEW_WEIGHT = 3.0
"""A new sample counts as this many replayed ones."""
MAX_BALANCE = 5.0
"""A label that weighs less than the median label is weighed up to it, at most this many times."""
ANCHOR = 1e-3
"""Pull of the head's weights towards the parent's."""
LABEL_SMOOTHING = 0.1


def quick_candidate(
    blobs: Blobs, parent: LoadedVersion, samples: list[Sample], pulse: Pulse
) -> Candidate:
    """Train the head alone on the samples that the parent has not learned and its replay.

    Raises: BadInput if there are none.
    """
    new = unlearned(samples, parent)
    labels = extended(parent.manifest.labels, new)
    data = read_samples(blobs, new, labels, parent.manifest.input.width)
    if not (data.splits == TRAIN).any():
        raise BadInput(
            f"there is no sample that {parent.manifest.version} has not learned.",
            "Upload labelled images first, or choose a full retrain.",
        )
    pulse.phase("features")
    _, features = run_artifact(parent.int8, data.images)
    # A dataset image that is uploaded again counts as the upload says.
    old = parent.replay.without(data.keys)
    rows = Replay(
        np.concatenate([old.features, features.astype(np.float16)]),
        np.concatenate([old.classes, data.classes]),
        np.concatenate([old.keys, data.keys]),
        np.concatenate([old.splits, data.splits]),
        np.union1d(old.learned, data.keys),
    )
    pulse.phase("train")
    network = grow_head(parent.network, len(labels))
    chosen = rows.splits == TRAIN
    is_new = np.arange(len(rows.keys)) >= len(old.keys)
    kernel, bias = network.get_layer("logits").get_weights()
    kernel, bias, loss = train_head(
        kernel, bias, rows.features[chosen].astype(np.float32), rows.classes[chosen], is_new[chosen]
    )
    network.get_layer("logits").set_weights([kernel, bias])
    pulse.report(Progress("train", loss=loss))
    pulse.phase("export")
    int8, float32 = export(network)
    pulse.phase("evaluate")
    head, parent_head = HeadSession(int8), HeadSession(parent.int8)
    held_out, truth = rows.part(HOLDOUT)
    known = data.classes < len(parent.manifest.labels)
    known_held_out = known & (data.splits == HOLDOUT)
    agreed = parent_head.run(features).argmax(axis=1) == data.classes
    right = head.run(features).argmax(axis=1) == data.classes
    recipe = {
        "new_weight": NEW_WEIGHT,
        "max_balance": MAX_BALANCE,
        "anchor": ANCHOR,
        "label_smoothing": LABEL_SMOOTHING,
    }
    return Candidate(
        mode="quick",
        labels=labels,
        network=network,
        int8=int8,
        float32=float32,
        replay=rows.bounded(),
        logits=head.run(held_out),
        truth=truth,
        serving=Served.of(parent_head.run(held_out), truth, labels, parent.manifest),
        test=None,
        agreement=agreement_of(network, int8, float32, data.images),
        recipe={"mode": "quick", **recipe},
        dataset=parent.manifest.dataset | {"samples": len(samples)},
        learned=[s.sha256 for s in new],
        fresh=Fresh(
            count=int(known.sum()),
            agreed=int(agreed[known].sum()),
            held_out=int(known_held_out.sum()),
            learned=int(right[known_held_out].sum()),
        ),
    )


def train_head(
    kernel: Floats,
    bias: Floats,
    features: Floats,
    classes: npt.NDArray[np.int64],
    is_new: npt.NDArray[np.bool_],
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float]:
    """Return the kernel [f, classes], bias [classes] and final loss that fit the rows best.

    Minimises the weighted, smoothed cross-entropy plus ANCHOR times the squared distance from the
    given weights, which is convex, by L-BFGS: the result depends on the data alone.
    """
    shape, count = kernel.shape, kernel.shape[1]
    x = features.astype(np.float64)
    weights = _weights(classes, is_new, count)
    target = np.full((len(classes), count), LABEL_SMOOTHING / count)
    target[np.arange(len(classes)), classes] += 1 - LABEL_SMOOTHING
    start = np.concatenate([kernel.ravel(), bias]).astype(np.float64)

    def loss(flat: Floats) -> tuple[float, Floats]:
        log_p = log_softmax(x @ flat[: kernel.size].reshape(shape) + flat[kernel.size :], axis=1)
        residual = (np.exp(log_p) - target) * weights[:, None]
        pull = flat - start
        value = -(weights[:, None] * target * log_p).sum() + ANCHOR * (pull @ pull)
        gradient = np.concatenate([(x.T @ residual).ravel(), residual.sum(axis=0)])
        return float(value), gradient + 2 * ANCHOR * pull

    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200})
    flat = best.x.astype(np.float32)
    return flat[: kernel.size].reshape(shape), flat[kernel.size :], float(best.fun)


def _weights(
    classes: npt.NDArray[np.int64], is_new: npt.NDArray[np.bool_], count: int
) -> npt.NDArray[np.float64]:
    """Weigh the rows so that new samples and rare labels are heard; the weights sum to 1."""
    weights = np.where(is_new, NEW_WEIGHT, 1.0)
    totals = np.bincount(classes, weights, minlength=count)
    balance = np.median(totals[totals > 0]) / np.maximum(totals, 1e-9)
    weights *= np.clip(balance, 1.0, MAX_BALANCE)[classes]
    return np.asarray(weights / weights.sum())
