"""What the bytes of a PNG or JPEG file say of the image, without decoding a pixel."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
#: PNG's colour types: grey, colour, palette, grey with alpha, colour with alpha.
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 1, 6: 3}
#: Markers of JPEG that begin a frame: all of C0 to CF but tables (C4, C8, CC).
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
#: Those that have no length: TEM and RST0 to RST7.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_END_OF_IMAGE = b"\xff\xd9"


class Header(NamedTuple):
    """Size of an image.

    Attributes
    ----------
    height, width : int
        Pixels.
    channels : int
        1 (grey) or 3 (red, green, blue), transparency not counted.
    """

    height: int
    width: int
    channels: int


class BadImageError(ValueError):
    """The bytes are no image that can be decoded; the message says why."""


def is_image(data: bytes) -> bool:
    """Whether `data` begins as a PNG or JPEG file does."""
    return data.startswith((_PNG, _JPEG))


def read(data: bytes) -> Header:
    """Return the size of an image.

    Parameters
    ----------
    data : bytes
        A whole PNG or JPEG file.

    Raises
    ------
    BadImageError
        For another format, a file that is cut off, a checksum that does not match, and what
        TensorFlow cannot decode.

    Notes
    -----
    PNG: ISO/IEC 15948, each chunk with its checksum. JPEG: ITU-T T.81, annex B, where
    only the segments before the frame are read: it has no checksums.
    """
    header = _read_png(data) if data.startswith(_PNG) else _read_jpeg(data)
    if not header.height or not header.width:
        raise BadImageError("it has no pixels")
    return header


def _read_png(data: bytes) -> Header:
    header, place = None, len(_PNG)
    while place + 12 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            break
        if zlib.crc32(data[place + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            raise BadImageError(f"the checksum at byte {end} does not match")
        if kind == b"IHDR" and length == 13:
            width, height, _, colour = struct.unpack_from(">IIBB", data, place + 8)
            if colour not in _PNG_CHANNELS:
                raise BadImageError(f"it has the unknown colour type {colour}")
            header = Header(height, width, _PNG_CHANNELS[colour])
        if kind == b"IEND" and header is not None:
            return header
        place = end + 4
    raise BadImageError(f"it is cut off after {len(data):,} bytes")


def _read_jpeg(data: bytes) -> Header:
    if not data.startswith(_JPEG):
        raise BadImageError("it is neither PNG nor JPEG" if data else "it is empty")
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise BadImageError(f"it has no marker at byte {place}")
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if marker in _BARE:
            place += 2
            continue
        [length] = struct.unpack_from(">H", data, place + 2)
        if marker in _FRAMES:
            if place + 10 > len(data):
                break
            bits, height, width, components = struct.unpack_from(">BHHB", data, place + 4)
            if bits != 8:
                raise BadImageError(f"it has {bits} bits a sample, not 8")
            if _END_OF_IMAGE not in data[place:]:
                break
            return Header(height, width, 1 if components == 1 else 3)
        place += 2 + length
    raise BadImageError(f"it is cut off after {len(data):,} bytes")
