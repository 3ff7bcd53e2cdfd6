"""One TensorFlow Lite model with one input."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

from deocclude.errors import DeoccludeError


class Model:
    """Calls the model file at `path`, from several threads at a time if need be, one thread a call.

    Raises DeoccludeError if the file cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        first = self._load()
        self._input = first.get_input_details()[0]["index"]
        self._outputs = [detail["index"] for detail in first.get_output_details()]
        self._idle = [first]

    def _load(self) -> Interpreter:
        try:
            interpreter = Interpreter(model_path=str(self._path), num_threads=1)
            interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise DeoccludeError(f"{self._path} cannot be loaded: {error}") from error
        return interpreter

    def __call__(self, image: np.ndarray) -> list[np.ndarray]:
        """image: float32 HxWx3 as the model wants it. Returns copies of all outputs, batch axis first."""
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._load()
        interpreter.set_tensor(self._input, image[None])
        interpreter.invoke()
        outputs = [interpreter.get_tensor(index) for index in self._outputs]
        self._idle.append(interpreter)
        return outputs


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """float32 in [0, 1] of float32 logits, which are clipped to +-80 (beyond that exp overflows)."""
    return 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))


def convolutions(path: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (float32 OIHW; depthwise Ox1HW) and biases (float32 O) of the convolutions in graph order."""
    interpreter = Interpreter(model_path=str(path))
    ops = interpreter._get_ops_details()
    stored = {int(op["outputs"][0]): int(op["inputs"][0]) for op in ops if op["op_name"] == "DEQUANTIZE"}

    def constant(index: int) -> np.ndarray:
        return np.asarray(interpreter.get_tensor(stored.get(index, index)), dtype=np.float32)

    axes = {"CONV_2D": (0, 3, 1, 2), "DEPTHWISE_CONV_2D": (3, 0, 1, 2)}
    return [
        (
            np.ascontiguousarray(constant(int(op["inputs"][1])).transpose(axes[op["op_name"]])),
            constant(int(op["inputs"][2])),
        )
        for op in ops
        if op["op_name"] in axes
    ]
