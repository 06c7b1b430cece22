"""Export: one graph, two LiteRT artifacts."""

from __future__ import annotations

import tempfile

import keras
import tensorflow as tf

from training_job.network import with_features

Outputs = dict[str, tf.Tensor]


def export(network: keras.Model) -> tuple[bytes, bytes]:
    """Return (int8, float32) artifacts, each with two signatures over the same weights:
    `serving_default` takes uint8 [1, side, side, 3] to `logits` and `features`, `serving_head`
    takes stored float32 [1, n] features to the same `logits`.

    int8 is dynamic-range: weights int8, activations float32 outside the kernels, so it needs no
    calibration images.
    """
    side, outputs, head = (
        network.input_shape[1],
        with_features(network),
        network.get_layer("logits"),
    )

    def answer(image: tf.Tensor) -> Outputs:
        return dict(outputs(tf.cast(image, tf.float32), training=False))

    def answer_features(features: tf.Tensor) -> Outputs:
        return {"logits": head(features)}

    image = tf.TensorSpec((1, side, side, 3), tf.uint8, "image")
    features = tf.TensorSpec((1, head.kernel.shape[0]), tf.float32, "features")
    archive = keras.export.ExportArchive()
    archive.track(outputs)
    # The converter orders signatures by name, and the interpreter's own tensors are the first's.
    archive.add_endpoint("serving_default", answer, input_signature=[image])
    archive.add_endpoint("serving_head", answer_features, input_signature=[features])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        return _convert(folder, quantise=True), _convert(folder, quantise=False)


def _convert(saved_model: str, *, quantise: bool) -> bytes:
    converter = tf.lite.TFLiteConverter.from_saved_model(
        saved_model, signature_keys=["serving_default", "serving_head"]
    )
    if quantise:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return bytes(converter.convert())
