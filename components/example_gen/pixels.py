"""From encoded images to pixels and back, and how bright they are."""

from __future__ import annotations

import io

import numpy as np

from components.example_gen.image_header import BadImageError

#: Modes of Pillow that hold one channel; all others become red, green and blue.
_GREY = ("1", "L", "LA", "I", "F")
_LARGEST = 255.0


def decode(data: bytes) -> np.ndarray:
    """Return the pixels of a PNG or JPEG file.

    Returns
    -------
    numpy.ndarray of uint8, shape (height, width, channels)
        One channel of a grey image, otherwise three; transparency is dropped and 16 bits
        become 8, as TensorFlow does.

    Raises
    ------
    BadImageError
        If it cannot be decoded.
    """
    from PIL import Image, UnidentifiedImageError  # late: tables do without

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode.startswith("I;16"):
                return (np.asarray(image) >> 8).astype(np.uint8)[:, :, np.newaxis]
            plain = image.convert("L" if image.mode in _GREY else "RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadImageError(f"it cannot be decoded: {error}") from None
    pixels = np.asarray(plain)
    return pixels.reshape(*pixels.shape[:2], -1)


def encode(pixels: np.ndarray) -> bytes:
    """Return an image as PNG, which keeps each pixel.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (height, width, 1 or 3)
    """
    from PIL import Image

    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def brightness(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of each image over all its pixels and channels.

    Parameters
    ----------
    pixels : numpy.ndarray of uint8, shape (n, height, width, channels)

    Returns
    -------
    mean, deviation : numpy.ndarray of float32, shape (n,)
        In [0, 1], where 1 is white.
    """
    flat = pixels.reshape(len(pixels), -1)
    count = flat.shape[1]
    # Whole numbers are summed without error, so that no order of the pixels matters.
    total = flat.sum(axis=1, dtype=np.int64)
    squares = np.square(flat, dtype=np.int64).sum(axis=1)
    mean = total / count
    deviation = np.sqrt(squares * count - np.square(total)) / count
    return (mean / _LARGEST).astype(np.float32), (deviation / _LARGEST).astype(np.float32)
