"""Small images on disk, in each format."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image


def make_pixels(count: int, height: int = 6, width: int = 5, channels: int = 1) -> np.ndarray:
    """Return distinct images, uint8 [count, height, width, channels]."""
    generator = np.random.default_rng(7)
    return generator.integers(0, 256, (count, height, width, channels), np.uint8)


def save(path: Path, pixels: np.ndarray, **options: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path, **options)


def write_folders(root: Path, count: int = 60, classes: int = 3, **sizes: int) -> np.ndarray:
    """Write PNG files into class folders ``c0``, ``c1``, ... and return their pixels."""
    pixels = make_pixels(count, **sizes)
    for number, image in enumerate(pixels):
        save(root / f"c{number % classes}" / f"{number:03d}.png", image)
    return pixels


def idx_bytes(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, pixels: np.ndarray, labels: np.ndarray, name: str = "train") -> Path:
    """Write a pair of IDX files and return that of the images."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-images-idx3-ubyte"
    path.write_bytes(idx_bytes(pixels[..., 0] if pixels.shape[3] == 1 else pixels))
    (folder / f"{name}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return path


def write_tfrecord(path: Path, encoded: list[bytes], labels: list[str]) -> None:
    with tf.io.TFRecordWriter(str(path)) as writer:
        for data, label in zip(encoded, labels, strict=True):
            example = tf.train.Example()
            example.features.feature["image/encoded"].bytes_list.value.append(data)
            example.features.feature["image/class"].bytes_list.value.append(label.encode())
            example.features.feature["file"].bytes_list.value.append(b"some name")
            writer.write(example.SerializeToString())
