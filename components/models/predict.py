"""Predictions of a saved model on raw examples."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from components.models import served
from components.models.edge import EdgePredictor

#: Rows per call: large enough that the graph's fixed cost does not count. Of images so many
#: that their pixels, and a model's layers on them, leave memory for others.
BATCH_ROWS = 4096
BATCH_VALUES = 1 << 22
_DENSE = "transformed_features"


class Predictor:
    """A served model: serialized tf.Examples in, scores out.

    Parameters
    ----------
    directory : path
        A SavedModel with the signature ``serving_default``; of its ``transformed_features``,
        if there is one, the size of a row is taken.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self._model = tf.saved_model.load(str(directory))
        self._serve = self._model.signatures["serving_default"]
        [self._argument] = self._serve.structured_input_signature[1]
        self._rows = BATCH_ROWS
        if _DENSE in self._model.signatures:
            inputs = self._model.signatures[_DENSE].structured_input_signature[1]
            values = max(tensor.shape[1:].num_elements() or 1 for tensor in inputs.values())
            self._rows = max(1, min(BATCH_ROWS, BATCH_VALUES // values))

    def predict_examples(self, records: Sequence[bytes]) -> np.ndarray:
        """Return the scores of serialized tf.Examples.

        Returns
        -------
        ndarray of float32
            Class probabilities [n, k], for binary tasks with the positive class last;
            for regression the values, [n].
        """
        parts = [
            self._serve(**{self._argument: tf.constant(records[i : i + self._rows])})[
                "scores"
            ].numpy()
            for i in range(0, len(records), self._rows)
        ]
        scores = np.concatenate(parts)
        return scores[:, 0] if scores.shape[1] == 1 else scores


def scores(uri: str | os.PathLike[str], records: Sequence[bytes]) -> np.ndarray:
    """Return what a Model artifact says of serialized tf.Examples, shape [n, k] always."""
    found = load(uri).predict_examples(list(records))
    return found[:, np.newaxis] if found.ndim == 1 else found


def load(uri: str | os.PathLike[str]) -> Predictor | EdgePredictor:
    """Return the predictor of a Model artifact or of a pushed model.

    Raises
    ------
    InputError
        If there is neither a SavedModel nor a TF Lite file with its featurizer.
    """
    directory = served.served_directory(uri)
    return EdgePredictor(directory) if served.is_edge(directory) else Predictor(directory)
