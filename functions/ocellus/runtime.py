"""The LiteRT interpreter, under whichever name it is installed."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from ocellus.errors import InvalidManifest
from ocellus.manifest import FLOAT32, INT8

try:
    from ai_edge_litert.interpreter import Interpreter

    SERVED = INT8
except ImportError:  # where only the old package is installed, which cannot load the other
    from tflite_runtime.interpreter import Interpreter

    SERVED = FLOAT32


class Session:
    """One interpreter on one thread's worth of CPU. Not safe for concurrent use."""

    def __init__(self, model: bytes) -> None:
        try:
            self._interpreter = Interpreter(model_content=model, num_threads=1)
            self._interpreter.allocate_tensors()
            runner = self._interpreter.get_signature_runner("serving_default")
            self._input = next(iter(runner.get_input_details().values()))["index"]
            outputs: dict[str, Any] = runner.get_output_details()
            self._logits = outputs["logits"]["index"]
            self._features = outputs["features"]["index"]
        except (ValueError, RuntimeError, KeyError, StopIteration) as e:
            raise InvalidManifest(f"The artifact is not a model of ours: {e}.") from e

    def logits(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 [height, width, 3] to logits float32 [classes]."""
        self._interpreter.set_tensor(self._input, image[np.newaxis])
        self._interpreter.invoke()
        logits: npt.NDArray[np.float32] = self._interpreter.get_tensor(self._logits)[0]
        return logits

    def run(
        self, image: npt.NDArray[np.uint8]
    ) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """uint8 [height, width, 3] to logits float32 [classes] and features float32 [n]."""
        return self.logits(image), self._interpreter.get_tensor(self._features)[0]


class HeadSession:
    """The head of a model alone, to answer stored features. Not safe for concurrent use."""

    def __init__(self, model: bytes) -> None:
        # An interpreter of its own: a signature's tensors may not be held while another one runs.
        try:
            self._interpreter = Interpreter(model_content=model, num_threads=1)
            self._runner = self._interpreter.get_signature_runner("serving_head")
        except (ValueError, RuntimeError) as e:
            raise InvalidManifest(f"The artifact has no head of its own: {e}.") from e

    def run(self, features: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """features [n, f] to logits float32 [n, classes], as the whole model answers the images
        that they came from.
        """
        rows = features.astype(np.float32)[:, np.newaxis]
        return np.stack([self._runner(features=row)["logits"][0] for row in rows])


class SessionPool:
    """Sessions of one model, each used by one caller at a time; a caller waits when all are used.

    The first free one is taken, whose weights are the likeliest to be in the caches.
    """

    def __init__(self, model: bytes, size: int) -> None:
        self._sessions = [(Session(model), threading.Lock()) for _ in range(size)]

    def logits(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """uint8 [height, width, 3] to logits float32 [classes]. Safe for threads."""
        for session, lock in self._sessions:
            if lock.acquire(blocking=False):
                try:
                    return session.logits(image)
                finally:
                    lock.release()
        session, lock = self._sessions[0]
        with lock:
            return session.logits(image)
