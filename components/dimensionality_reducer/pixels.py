"""Loadings of pixels as small pictures."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from components.charts import BLUE, RED

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: PNG's kinds of colour: red, green and blue, without and with opacity.
_RGB, _RGBA = 2, 6
#: Brightness of a colour that counts for nothing.
MIDDLE = 127.5


def picture(loadings: NDArray[np.float64]) -> str:
    """Return the loadings of an image's pixels as a PNG in a data URI.

    Parameters
    ----------
    loadings : array, shape (height, width, channels)
        Of grey pixels (one channel), or of red, green and blue ones. Grey pixels become
        `BLUE` where their loading is positive and `RED` where it is negative, the more
        opaque the larger it is. Coloured ones become grey where their loadings are 0,
        and else have the colours that raise the component.
    """
    shares = loadings / (np.abs(loadings).max() or 1.0)
    if shares.shape[2] == 1:
        colors = np.where(shares >= 0, _rgb(BLUE), _rgb(RED))
        return _png(np.concatenate([colors, np.abs(shares) * 255], axis=2), _RGBA)
    return _png(MIDDLE * (1 + shares), _RGB)


def _rgb(color: str) -> NDArray[np.float64]:
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], np.float64)


def _png(values: NDArray[np.float64], kind: int) -> str:
    height, width, _ = values.shape
    rows = np.rint(values).astype(np.uint8).reshape(height, -1)
    # Each row begins with the filter that it went through: none.
    raw = np.pad(rows, ((0, 0), (1, 0))).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, kind, 0, 0, 0)
    content = [(b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    parts = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in content
    )
    return "data:image/png;base64," + base64.b64encode(_SIGNATURE + b"".join(parts)).decode()
