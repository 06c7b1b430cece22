"""The seed model's figures: accuracy, calibration, outliers told, latency, parameters, size.

The int8 artifact answers every test image of the data set, one view each; its latency is the
median of 1,000 calls with one image on one thread.

    python loadtest/seed_model.py DATASET [--version FOLDER] > loadtest/results/DATE-seed-model.md

DATASET is CIFAR-10 as a folder, zip or tar with `train/label/image` and `test/label/image`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ocellus.manifest import INT8, Manifest
from ocellus.samples import TEST
from training_job.calibrate import out_of_distribution
from training_job.data import read_dataset
from training_job.evaluate import latencies_ms, run_artifact
from training_job.metrics import measure

CALLS = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--version", type=Path, default=Path("models/v1"), help="its folder")
    given = parser.parse_args()
    manifest = Manifest.from_json((given.version / "manifest.json").read_bytes())
    artifact, side = (given.version / INT8).read_bytes(), manifest.input.width
    images, truth = read_dataset(given.dataset, side).part(TEST)
    logits, _ = run_artifact(artifact, images)
    found = measure(logits, truth, manifest.labels, manifest.calibration.temperature)
    latency = latencies_ms([artifact], images[0], CALLS)[0]
    outliers = out_of_distribution(artifact, side, logits, manifest.calibration)
    print(f"# The seed model, int8, on {len(images):,} test images\n\n| | |\n|---|---:|")
    for name, value in {
        "accuracy, %": f"{100 * found['accuracy']:.2f}",
        "macro precision, recall, F1": ", ".join(
            f"{found['macro'][k]:.4f}" for k in ("precision", "recall", "f1")
        ),
        "macro ROC-AUC": f"{found['macro']['roc_auc']:.4f}",
        "expected calibration error": f"{found['calibration_error']:.4f}",
        "latency, one thread, ms": f"{latency:.3f}",
        "parameters": f"{manifest.metrics['parameters']:,}",
        "size, MB": f"{len(artifact) / 1e6:.2f}",
        "known images called none of these, %": f"{100 * outliers['known_called_none']:.2f}",
    }.items():
        print(f"| {name} | {value} |")
    print("\n| drawn outliers | images | AUROC | called none of these, % |\n|---|---:|---:|---:|")
    for kind, told in outliers["sources"].items():
        print(f"| {kind} | {told['images']} | {told['auroc']:.4f} | {100 * told['told']:.0f} |")


if __name__ == "__main__":
    main()
