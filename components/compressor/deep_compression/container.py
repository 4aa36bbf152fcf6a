"""One file that holds a compressed model: layers, sparse index, codebooks, entropy-coded.

Whatever a model's weights are, they come back to the last bit; few bytes it takes for those
that are sparse or share few values. For each weight tensor, the least of several ways is
taken: with or without an index of the values that are not zero, and with or without a codebook.

=======================  ===========================================================
bytes                    content
=======================  ===========================================================
4                        ``MWDC``
1                        version of the format
4                        CRC-32 of what follows, little-endian
1 or more                length of the layers' description (7 bits a byte, low first)
1 or more                length of the plain bits
...                      description of the layers (`description`)
...                      plain bits: codebooks, and values without one (`short_floats`)
...                      all else, by arithmetic coding (`range_coder`, `mixing`)
=======================  ===========================================================

References
----------
.. [1] S. Han, H. Mao, W. Dally, "Deep Compression: compressing deep neural networks with pruning,
   trained quantization and Huffman coding", ICLR 2016: the parts of the file.
.. [2] S. Wiedemann et al., "DeepCABAC: a universal compression algorithm for deep neural
   networks", IEEE JSTSP 2020: adaptive binary arithmetic coding in the place of Huffman's.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

import numpy as np
import tf_keras

from components.compressor.deep_compression import (
    codebook,
    description,
    layout,
    short_floats,
    sparse_index,
)
from components.compressor.deep_compression.range_coder import (
    HALF,
    Coder,
    Decoder,
    Encoder,
    code_count,
)
from components.errors import InputError

MAGIC, VERSION = b"MWDC", 1
_HEADER = len(MAGIC) + 1 + 4
#: Values of a codebook at most; more save nothing.
_LARGEST_BOOK = 4096


@dataclass
class _PlainBits:
    """Bits that need no model, written or read a whole array at a time."""

    written: list[np.ndarray] = field(default_factory=list)
    reading: np.ndarray | None = None
    position: int = 0

    def code(self, bits: np.ndarray) -> np.ndarray:
        """Write an array of bits, or read one of its shape."""
        if self.reading is None:
            self.written.append(bits.reshape(-1))
            return bits
        end = self.position + bits.size
        found = self.reading[self.position : end].reshape(bits.shape)
        self.position = end
        return found


def encode(model: tf_keras.Model) -> bytes:
    """Return a file that holds a model.

    Parameters
    ----------
    model : tf_keras.Model
        A graph of layers, built.

    Returns
    -------
    bytes
        The same for the same layers and weights.

    Raises
    ------
    InputError
        If the model has no description of its layers, or one with code in it.
    """
    layers = description.pack(model)
    coder, plain = Encoder(), _PlainBits()
    live: list[np.ndarray | None] = []
    for slot in layout.slots(model):
        value = slot.variable.numpy()
        if value.dtype != np.float32:
            plain.code(np.unpackbits(np.frombuffer(value.tobytes(), np.uint8)))
            live.append(None)
            continue
        patterns = np.ascontiguousarray(value).view(np.uint32).reshape(slot.shape)
        guesses = _guesses(slot, live)
        _code_tensor(coder, plain, patterns, guesses)
        live.append(patterns.any(axis=(0, 1, 2)))
    bits = np.concatenate([np.zeros(0, np.uint8), *plain.written])
    packed = np.packbits(bits).tobytes()
    body = b"".join(
        [_length(len(layers)), _length(len(packed)), layers, packed, coder.finish()],
    )
    return MAGIC + bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def decode(data: bytes) -> tf_keras.Model:
    """Return the model that a file holds, with the weights that it was encoded with.

    Parameters
    ----------
    data : bytes
        What `encode` returned.

    Raises
    ------
    InputError
        If the file is damaged, cut off, of another version, or no such file at all.
    """
    _check(data)
    layers_length, start = _read_length(data, _HEADER)
    plain_length, start = _read_length(data, start)
    plain_start = start + layers_length
    coder_start = plain_start + plain_length
    model = description.unpack(data[start:plain_start])
    bits = np.unpackbits(np.frombuffer(data[plain_start:coder_start], np.uint8))
    coder, plain = Decoder(data[coder_start:]), _PlainBits(reading=bits)
    live: list[np.ndarray | None] = []
    weights = []
    for slot in layout.slots(model):
        dtype = np.dtype(slot.variable.dtype.as_numpy_dtype)
        shape = tuple(slot.variable.shape)
        if dtype != np.float32:
            size = int(np.prod(shape)) * dtype.itemsize
            read = np.packbits(plain.code(np.zeros(size * 8, np.uint8)))
            weights.append(np.frombuffer(read.tobytes(), dtype).reshape(shape))
            live.append(None)
            continue
        patterns = _code_tensor(coder, plain, np.zeros(slot.shape, np.uint32), _guesses(slot, live))
        weights.append(patterns.view(np.float32).reshape(shape))
        live.append(patterns.any(axis=(0, 1, 2)))
    model.set_weights(weights)
    return model


def _check(data: bytes) -> None:
    problem = None
    if data[: len(MAGIC)] != MAGIC[: len(data)] or len(data) < len(MAGIC):
        problem = "The file does not hold a compressed model."
    elif data[len(MAGIC) : len(MAGIC) + 1] not in (b"", bytes([VERSION])):
        raise InputError(
            "The compressed model is of another version of the format.",
            expected=f"version {VERSION}",
            got=f"version {data[len(MAGIC)]}",
            remedy="Compress the model anew.",
        )
    elif len(data) <= _HEADER or zlib.crc32(data[_HEADER:]) != _checksum(data):
        problem = "The file of a compressed model is damaged or cut off."
    if problem:
        raise InputError(
            problem,
            expected=f"a file that begins with {MAGIC.decode()} and has the checksum it says",
            got=f"{len(data)} bytes that begin with {data[: len(MAGIC)]!r}",
            remedy="Copy the file again, or compress the model anew.",
        )


def _checksum(data: bytes) -> int:
    """Return the checksum that a file says it has."""
    return int.from_bytes(data[_HEADER - 4 : _HEADER], "little")


def _length(value: int) -> bytes:
    """Return a length as bytes of 7 bits, the lowest first."""
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*result, value])


def _read_length(data: bytes, start: int) -> tuple[int, int]:
    """Return a length and where the next begins."""
    value = shift = 0
    while data[start] & 0x80:
        value |= (data[start] & 0x7F) << shift
        start, shift = start + 1, shift + 7
    return value | data[start] << shift, start + 1


_Guesses = tuple[np.ndarray | None, np.ndarray | None]


def _guesses(slot: layout.Slot, live: list[np.ndarray | None]) -> _Guesses:
    """Return which channels and units live, as earlier tensors suggest."""
    channels = None if slot.channels_of is None else live[slot.channels_of]
    units = None if slot.units_of is None else live[slot.units_of]
    return channels, units


def _code_tensor(
    coder: Coder, plain: _PlainBits, patterns: np.ndarray, guesses: _Guesses
) -> np.ndarray:
    """Code one tensor.

    Parameters
    ----------
    coder : Coder
    plain : _PlainBits
    patterns : ndarray of uint32
        Of float32 values, ``[height, width, channels, units]``; a decoder takes the shape alone.
    guesses : tuple
        See `_guesses`.

    Returns
    -------
    ndarray of uint32
        The patterns.
    """
    mask = np.ones(patterns.shape, bool)
    sparse = plain.reading is None and _is_sparse(patterns, guesses)
    if coder.code(int(sparse), HALF):
        mask = sparse_index.code_index(coder, patterns != 0, *guesses)
    result = np.zeros(patterns.shape, np.uint32)
    _by_unit(result)[_by_unit(mask)] = _code_values(coder, plain, patterns, mask)
    return result


def _by_unit(array: np.ndarray) -> np.ndarray:
    """Return a view of a tensor, unit by unit and channel by channel in each."""
    return array.transpose(3, 2, 0, 1)


def _is_sparse(patterns: np.ndarray, guesses: _Guesses) -> bool:
    """Tell whether an index of what is not zero pays."""
    zeros = int((patterns == 0).sum())
    if not zeros or 2 * zeros > patterns.size:
        return zeros > 0
    costs = []
    for mask in (np.ones(patterns.shape, bool), patterns != 0):
        coder, plain = Encoder(), _PlainBits()
        if not mask.all():
            sparse_index.code_index(coder, mask, *guesses)
        _code_values(coder, plain, patterns, mask)
        costs.append(_size(coder, plain))
    return costs[1] < costs[0]


def _code_values(
    coder: Coder, plain: _PlainBits, patterns: np.ndarray, mask: np.ndarray
) -> np.ndarray:
    """Code the patterns where a mask is true, ``[n]`` in the order of `_by_unit`."""
    units = patterns.shape[3]
    places = np.argwhere(_by_unit(mask).reshape(units, -1))[:, ::-1]
    wanted = _by_unit(patterns)[_by_unit(mask)]
    if not len(wanted):
        return wanted
    book, indices = codebook.book_of(wanted)
    shape = (patterns.size // units, units)
    with_book = False
    if plain.reading is None and len(book) <= min(_LARGEST_BOOK, len(wanted) // 2 + 1):
        sizes = []
        for code in (_code_book, _code_floats):
            trial, bits = Encoder(), _PlainBits()
            if code is _code_book:
                _code_book(trial, bits, book, indices, places, shape)
            else:
                _code_floats(trial, bits, wanted, len(wanted))
            sizes.append(_size(trial, bits))
        with_book = sizes[0] < sizes[1]
    if coder.code(int(with_book), HALF):
        return _code_book(coder, plain, book, indices, places, shape)
    return _code_floats(coder, plain, wanted, len(wanted))


def _code_book(
    coder: Coder,
    plain: _PlainBits,
    book: np.ndarray,
    indices: np.ndarray,
    places: np.ndarray,
    shape: tuple[int, int],
) -> np.ndarray:
    """Code patterns by a codebook and indices into it."""
    size = code_count(coder, len(book) - 1) + 1
    book = _code_floats(coder, plain, book, size)
    return book[codebook.code_indices(coder, indices, places, shape, size)]


def _code_floats(coder: Coder, plain: _PlainBits, patterns: np.ndarray, size: int) -> np.ndarray:
    """Code so many patterns of float32 values as plain bits."""
    header = short_floats.code_header(coder, patterns)
    if plain.reading is None:
        bits = short_floats.pack(patterns, header)
    else:
        bits = np.zeros((size, short_floats.width(header)), np.uint8)
    return short_floats.unpack(plain.code(bits), header)


def _size(coder: Encoder, plain: _PlainBits) -> int:
    """Return how many bits were written."""
    return 8 * len(coder.finish()) + sum(bits.size for bits in plain.written)
