"""MNIST as arrays, for the benchmarks that train on it themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from components.example_gen import idx
from components.models.transformed import IMAGE, LABEL


def read(images: Path, rows: int | None) -> dict[str, np.ndarray]:
    """Return the first images [n, 28, 28, 1] of an IDX file, and their labels [n]."""
    paths = {IMAGE: str(images), LABEL: idx.labels_file(str(images), None)}
    arrays = {name: np.concatenate(list(idx.read(path, 4096))) for name, path in paths.items()}
    return {
        IMAGE: arrays[IMAGE].reshape(-1, 28, 28, 1)[:rows],
        LABEL: arrays[LABEL].astype(np.int64)[:rows],
    }
