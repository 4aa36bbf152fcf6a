"""A TF Lite file in LiteRT, the runtime that serves it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

#: Calls before those that are measured.
WARM_UP = 50
#: Values of the largest input of a batch, by which the number of its rows is chosen.
_BATCH_VALUES = 1 << 20
_BATCH_ROWS = 4096


@dataclass(frozen=True)
class Latency:
    """What one row takes.

    Attributes
    ----------
    median_ms, p95_ms : float
        Milliseconds from the features in its inputs to the scores in its output.
    calls, threads : int
    """

    median_ms: float
    p95_ms: float
    calls: int
    threads: int


class LiteModel:
    """A TF Lite file in LiteRT, the runtime that serves it.

    Parameters
    ----------
    content : bytes
    threads : int
        For LiteRT's kernels.
    """

    def __init__(self, content: bytes, threads: int = 1) -> None:
        self._threads = threads
        self._interpreter = Interpreter(model_content=content, num_threads=threads)
        signature = self._interpreter.get_signature_runner()
        self._inputs: dict[str, dict[str, Any]] = signature.get_input_details()
        [self._output] = [each["index"] for each in signature.get_output_details().values()]
        self._rows = 0

    @property
    def inputs(self) -> dict[str, tuple[int, ...]]:
        """Shape of one row of each input."""
        return {name: tuple(each["shape"][1:].tolist()) for name, each in self._inputs.items()}

    def scores(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the scores [n, k] of rows.

        Parameters
        ----------
        arrays : mapping
            Features by name, [n, ...] each; others are not looked at.
        """
        rows = len(arrays[next(iter(self._inputs))])
        widest = max(int(np.prod(shape, initial=1)) for shape in self.inputs.values())
        step = max(1, min(_BATCH_ROWS, _BATCH_VALUES // widest))
        parts = []
        for first in range(0, rows, step):
            self._take(arrays, first, min(first + step, rows))
            self._interpreter.invoke()
            parts.append(self._interpreter.get_tensor(self._output))
        return np.concatenate(parts)

    def ready(self, arrays: Mapping[str, np.ndarray]) -> Callable[[], None]:
        """Return what predicts the first row of `arrays`, which is in the inputs from now on."""
        self._take(arrays, 0, 1)
        predict: Callable[[], None] = self._interpreter.invoke
        return predict

    def latency_ms(self, arrays: Mapping[str, np.ndarray], calls: int = 1000) -> Latency:
        """Measure how long the model takes for the first row of `arrays`, alone and warm.

        As by LiteRT's own benchmark tool, it is the model that is timed: the row is in its
        inputs already.
        """
        call, taken = self.ready(arrays), []
        for _ in range(WARM_UP + calls):
            started = time.perf_counter()
            call()
            taken.append(1e3 * (time.perf_counter() - started))
        taken = taken[WARM_UP:]
        return Latency(
            median_ms=statistics.median(taken),
            p95_ms=float(np.quantile(taken, 0.95)),
            calls=calls,
            threads=self._threads,
        )

    def _take(self, arrays: Mapping[str, np.ndarray], first: int, last: int) -> None:
        if last - first != self._rows:
            self._rows = last - first
            for name, each in self._inputs.items():
                shape = [self._rows, *arrays[name].shape[1:]]
                self._interpreter.resize_tensor_input(each["index"], shape)
            self._interpreter.allocate_tensors()
        for name, each in self._inputs.items():
            values = arrays[name][first:last].astype(each["dtype"], copy=False)
            self._interpreter.set_tensor(each["index"], values)
