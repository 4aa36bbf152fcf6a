"""A model for the edge: a TF Lite file, and what makes its inputs of raw columns.

TF Lite has no operations on text and no look-up tables of strings, so that a pushed file takes
transformed features. The SavedModel beside it makes these, with the very transform graph that
the model was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from components import files
from components.models.featurizing import EXAMPLES, Featurizer, argument_names
from components.models.lite_model import LiteModel
from components.models.served import EDGE_DIRECTORY, MODEL_FILE
from components.models.transformed import Features

FEATURIZER_DIRECTORY = "featurizer"
#: Rows that are featurized in one call.
BATCH_ROWS = 4096


def save(
    content: bytes,
    features: Features,
    featurizer: Featurizer,
    directory: str | os.PathLike[str],
) -> None:
    """Write a Model artifact.

    Parameters
    ----------
    content : bytes
        The TF Lite file.
    features : Features
        What it takes.
    featurizer : Featurizer
        By which raw columns become that.
    directory : path
    """
    edge = Path(directory) / EDGE_DIRECTORY
    edge.mkdir(parents=True)

    @tf.function(autograph=False)
    def serving_default(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return taken(featurizer.transform(featurizer.parse(examples)))

    @tf.function(autograph=False)
    def predict(**columns: tf.Tensor) -> dict[str, tf.Tensor]:
        return taken(featurizer.transform(featurizer.from_arguments(columns)))

    def taken(transformed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        reduced = featurizer.reduce(transformed)
        return {name: reduced[name] for name in features.shapes}

    tf.saved_model.save(
        featurizer,
        str(edge / FEATURIZER_DIRECTORY),
        signatures={
            "serving_default": serving_default.get_concrete_function(EXAMPLES),
            "predict": predict.get_concrete_function(**featurizer.arguments),
        },
    )
    files.write_json(
        edge / FEATURIZER_DIRECTORY / "assets.extra" / "predict_arguments.json",
        argument_names(featurizer.raw_specification),
    )
    features.write(edge)
    files.write_bytes(edge / MODEL_FILE, content)


class EdgePredictor:
    """Serialized tf.Examples in, scores of the TF Lite file out.

    Parameters
    ----------
    directory : path
        `EDGE_DIRECTORY` of a Model artifact that `save` has written, or a copy of it.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        edge = Path(directory)
        self._featurizer = tf.saved_model.load(str(edge / FEATURIZER_DIRECTORY))
        self._featurize = self._featurizer.signatures["serving_default"]
        self._model = LiteModel((edge / MODEL_FILE).read_bytes())
        self._regression = Features.read(edge).regression

    def features(self, records: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Return what the model takes of serialized tf.Examples."""
        parts = [
            self._featurize(examples=tf.constant(records[i : i + BATCH_ROWS]))
            for i in range(0, len(records), BATCH_ROWS)
        ]
        return {name: np.concatenate([part[name].numpy() for part in parts]) for name in parts[0]}

    def predict_examples(self, records: Sequence[bytes]) -> np.ndarray:
        """Return the scores of serialized tf.Examples, as `predict.Predictor` does."""
        scores = self._model.scores(self.features(records))
        return scores[:, 0] if self._regression else scores
