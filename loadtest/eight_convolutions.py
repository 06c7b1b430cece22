"""Write a version whose network is the usual small CNN: eight 3 x 3 convolutions, 32 to 256 wide.

The seed model costs more than twice as much an image, for its accuracy. What surrounds an inference
shows with a cheaper one, and other people's figures are of such; its weights are random.

    python loadtest/eight_convolutions.py FOLDER
    python loadtest/throughput.py --model FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import keras

from ocellus.manifest import FLOAT32, INT8, Artifact, Golden, Manifest, golden_inputs
from ocellus.runtime import SERVED, Session
from training_job.export import export

SEED = Path(__file__).parents[1] / "models" / "v1"
WIDTHS = (32, 64, 128, 256)


def network(classes: int, side: int) -> keras.Model:
    """Two convolutions a block, each normalised and rectified; a block halves the map."""
    inputs = x = keras.Input((side, side, 3), name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(x)
    for width in WIDTHS:
        for _ in range(2):
            x = keras.layers.Conv2D(width, 3, padding="same", use_bias=False)(x)
            x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
        x = keras.layers.MaxPool2D(2)(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    return keras.Model(inputs, keras.layers.Dense(classes, name="logits")(x))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="made for the version; what serving does not read is the seed's")
    folder = parser.parse_args().folder
    seed = Manifest.from_json((SEED / "manifest.json").read_bytes())
    keras.utils.set_random_seed(1)
    model = network(len(seed.labels), seed.input.width)
    files = dict(zip((INT8, FLOAT32), export(model), strict=True))
    session = Session(files[SERVED])
    logits = [session.logits(image).tolist() for image in golden_inputs(seed.input)]
    manifest = replace(
        seed,
        artifacts=seed.artifacts | {name: Artifact.of(data) for name, data in files.items()},
        calibration=replace(seed.calibration, least_evidence=None),
        golden=Golden(logits),
    )
    shutil.copytree(SEED, folder)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "manifest.json").write_bytes(manifest.to_json())
    print(json.dumps({"parameters": model.count_params(), "bytes": len(files[INT8])}))


if __name__ == "__main__":
    main()
