"""The coders: what goes in comes out, in about as many bits as it holds."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.compressor.deep_compression import codebook, mixing, short_floats, sparse_index
from components.compressor.deep_compression.range_coder import (
    ONE,
    Decoder,
    Encoder,
    code_bits,
    code_count,
)


def entropy(counts):
    shares = np.array(counts) / np.sum(counts)
    return float(-np.sum(counts * np.log2(shares, where=shares > 0, out=np.zeros(len(shares)))))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, ONE - 1)), max_size=400))
def test_any_bits_of_any_probabilities_come_back(coded):
    encoder = Encoder()
    for bit, p in coded:
        assert encoder.code(bit, p) == bit
    data = encoder.finish()
    decoder = Decoder(data)
    assert [decoder.code(0, p) for _, p in coded] == [bit for bit, _ in coded]
    information = -sum(math.log2((p if bit else ONE - p) / ONE) for bit, p in coded)
    assert 8 * len(data) <= information * 1.001 + 17


@given(st.lists(st.integers(0, 2**40), max_size=20), st.integers(0, 2**20 - 1))
def test_whole_numbers_come_back(counts, value):
    encoder = Encoder()
    for count in counts:
        code_count(encoder, count)
    code_bits(encoder, value, 20)
    decoder = Decoder(encoder.finish())
    assert [code_count(decoder, 0) for _ in counts] == counts
    assert code_bits(decoder, 0, 20) == value


def test_tables_are_those_of_the_logistic_function():
    share = (np.arange(ONE) + 0.5) / ONE
    assert np.abs(np.array(mixing._LOGIT) - np.log(share / (1 - share))).max() < 1e-12
    z = (np.arange(len(mixing._PROBABILITY)) + 0.5) / mixing._STEPS - mixing._LARGEST
    wanted = np.clip(np.rint(ONE / (1 + np.exp(-z))), 1, ONE - 1)
    assert np.abs(np.array(mixing._PROBABILITY) - wanted).max() <= 1


@pytest.mark.parametrize("share", [0.5, 0.1, 0.005])
def test_bits_without_structure_take_their_entropy(share):
    bits = (np.random.default_rng(0).random((1, 1, 200, 150)) < share).astype(bool)
    encoder = Encoder()
    sparse_index.code_index(encoder, bits)
    ones = int(bits.sum())
    assert 8 * len(encoder.finish()) <= 1.06 * entropy([ones, bits.size - ones]) + 100


def test_structure_makes_the_index_smaller():
    random = np.random.default_rng(0)
    rows, units = random.random(200) < 0.2, random.random(150) < 0.3
    bits = (random.random((200, 150)) < 0.3) & rows[:, None] & units
    encoder = Encoder()
    sparse_index.code_index(encoder, bits[None, None])
    ones = int(bits.sum())
    assert 8 * len(encoder.finish()) < 0.6 * entropy([ones, bits.size - ones])


@pytest.mark.parametrize("shape", [(1, 1, 0, 3), (1, 1, 7, 1), (3, 4, 5, 6), (1, 5, 2, 3)])
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("guessed", [False, True])
def test_indices_of_any_shape_come_back(shape, share, guessed):
    random = np.random.default_rng(1)
    mask = random.random(shape) < share
    guesses = (random.random(shape[2]) < 0.5, random.random(shape[3]) < 0.5) if guessed else ()
    encoder = Encoder()
    sparse_index.code_index(encoder, mask, *guesses)
    found = sparse_index.code_index(Decoder(encoder.finish()), np.zeros(shape, bool), *guesses)
    np.testing.assert_array_equal(found, mask)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_indices_into_a_codebook_come_back(size, count, seed):
    random = np.random.default_rng(seed)
    indices = random.integers(0, size, count)
    places = np.stack([random.integers(0, 6, count), random.integers(0, 4, count)], axis=1)
    encoder = Encoder()
    codebook.code_indices(encoder, indices, places, (6, 4), size)
    decoder = Decoder(encoder.finish())
    found = codebook.code_indices(decoder, np.zeros(0, int), places, (6, 4), size)
    np.testing.assert_array_equal(found, indices)


def test_indices_take_less_than_huffman_codes():
    random = np.random.default_rng(0)
    indices = random.choice(4, 4000, p=[0.9, 0.06, 0.03, 0.01])
    places = np.stack([np.arange(4000) % 100, np.arange(4000) // 100], axis=1)
    encoder = Encoder()
    codebook.code_indices(encoder, indices, places, (100, 40), 4)
    bits, counts = 8 * len(encoder.finish()), np.bincount(indices)
    huffman = counts @ [1, 2, 3, 3]
    assert bits < 1.08 * entropy(counts)
    assert bits < 0.6 * huffman


@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=50))
def test_any_patterns_of_numbers_come_back(patterns):
    values = np.array(patterns, np.uint32)
    encoder = Encoder()
    header = short_floats.code_header(encoder, values)
    bits = short_floats.pack(values, header)
    read = short_floats.code_header(Decoder(encoder.finish()), np.ones(1, np.uint32))
    assert read == header
    assert short_floats.width(header) <= 32
    np.testing.assert_array_equal(short_floats.unpack(bits, read), values)


def test_half_precision_takes_half_the_bits():
    values = np.random.default_rng(0).normal(size=1000).astype(np.float16).astype(np.float32)
    header = short_floats.code_header(Encoder(), values.view(np.uint32))
    assert short_floats.width(header) <= 16


@pytest.mark.parametrize("bits", [0, 3, 6, 22, 23])
def test_rounded_mantissas(bits):
    values = np.random.default_rng(0).normal(size=500).astype(np.float32)
    rounded = short_floats.round_mantissas(values, bits)
    assert np.all(np.abs(rounded - values) <= np.abs(values) * 2.0 ** -(bits + 1))
    np.testing.assert_array_equal(short_floats.round_mantissas(rounded, bits), rounded)
    assert not np.any(rounded.view(np.uint32) & ((1 << (23 - bits)) - 1))


def test_the_codebook_is_in_the_order_of_its_values():
    values = np.array([2.0, -1.0, 0.5, -1.0, -3.0], np.float32)
    book, indices = codebook.book_of(values.view(np.uint32))
    assert book.view(np.float32).tolist() == [-3.0, -1.0, 0.5, 2.0]
    assert book[indices].view(np.float32).tolist() == values.tolist()
