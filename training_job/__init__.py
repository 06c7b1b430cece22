"""The trainer: snapshot, train, export, evaluate, gate, publish."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow's notes would hide the progress
