"""Preprocessing functions of the tests, importable by their dotted path."""

from __future__ import annotations

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft


def column(tensor, default):
    if isinstance(tensor, tf.SparseTensor):
        shape = tf.stack([tensor.dense_shape[0], 1])
        tensor = tf.sparse.to_dense(tf.SparseTensor(tensor.indices, tensor.values, shape), default)
    return tf.reshape(tensor, [-1])


def common(inputs):
    """Uses the analyzers that most functions use, some on what others have found."""
    price, size = column(inputs["price"], 0.0), column(inputs["size"], 0.0)
    rooms = column(inputs["rooms"], 0)
    color = column(inputs["color"], "")
    pair = tf.stack([price, size], axis=1)
    shifted = price - tft.min(price)
    scaled = shifted / tft.max(shifted)
    color_id = tft.compute_and_apply_vocabulary(color, vocab_filename="color")
    return {
        "mean": price - tft.mean(price),
        "variance": price / tft.var(price),
        "sparse_mean": tf.fill(tf.shape(price), tft.mean(inputs["size"])),
        "elementwise": tft.scale_to_z_score(pair, elementwise=True),
        "two_phases": scaled,
        "zero_one": tft.scale_to_0_1(rooms),
        "total": tf.fill(tf.shape(price), tf.cast(tft.sum(rooms), tf.float32)),
        "bucket": tft.bucketize(price, 5),
        "rank": tft.apply_buckets_with_interpolation(price, tft.quantiles(price, 9, 0.01)),
        "quantiles": tf.reduce_sum(
            pair[:, :, None] - tft.quantiles(pair, 4, 0.01, reduce_instance_dims=False), axis=2
        ),
        "color": color_id,
        "color_score": tft.scale_to_z_score(tf.cast(color_id, tf.float32)),
        "top": tft.compute_and_apply_vocabulary(
            color, top_k=2, num_oov_buckets=1, vocab_filename="top"
        ),
        "frequent": tft.compute_and_apply_vocabulary(
            column(inputs["zip"], 0), frequency_threshold=15, vocab_filename="frequent"
        ),
        "counted": tft.compute_and_apply_vocabulary(
            color, store_frequency=True, vocab_filename="counted"
        ),
    }


def rare(inputs):
    """Uses one analyzer of each further kind that TensorFlow Transform has."""
    price, color = column(inputs["price"], 0.0), column(inputs["color"], "")
    outputs = {
        "per_key": tft.scale_to_z_score_per_key(price, color),
        "per_key_file": tft.scale_to_0_1_per_key(
            price, color, elementwise=False, key_vocabulary_filename="ranges"
        ),
        "bucket_per_key": tft.bucketize_per_key(price, color, 3),
        "gaussian": tft.scale_to_gaussian(price),
    }
    vocabularies = {
        "informative": {"labels": column(inputs["label"], 0), "weights": price},
        "reserved": {"reserved_tokens": ["none", "red"], "weights": price},
        "covered": {
            "key_fn": first_letter,
            "coverage_top_k": 1,
            "top_k": 1,
            "file_format": "tfrecord_gzip",
        },
    }
    for name, options in vocabularies.items():
        outputs[name] = tft.compute_and_apply_vocabulary(color, vocab_filename=name, **options)
    tft.annotate_asset("my_color", "informative")
    return outputs


def vocabularies(inputs):
    """Orders vocabularies in other ways than by frequency."""
    color, label = column(inputs["color"], ""), column(inputs["label"], 0)
    options = {
        "shuffled": {"fingerprint_shuffle": True},
        "reserved": {"reserved_tokens": ["none", "red"]},
        "informative": {"labels": label, "store_frequency": True},
        "adjusted": {"labels": label, "use_adjusted_mutual_info": True},
        "empty": {"frequency_threshold": 1000},
    }
    outputs = {
        name: tft.compute_and_apply_vocabulary(color, vocab_filename=name, **kwargs)
        for name, kwargs in options.items()
    }
    outputs["approximate"] = tft.experimental.compute_and_apply_approximate_vocabulary(
        color, top_k=10, vocab_filename="approximate"
    )
    return outputs


def first_letter(token):
    return token[:1]


def with_table(inputs):
    """Looks values up in a table that no analyzer fills."""
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(["red", "blue"], [1.0, 2.0]), -1.0
    )
    return {"value": tft.scale_to_z_score(table.lookup(column(inputs["color"], "")))}


def three_phases(inputs):
    price = column(inputs["price"], 0.0)
    shifted = price - tft.min(price)
    scaled = shifted / tft.max(shifted)
    return {"value": scaled / tf.sqrt(tft.var(scaled))}


class _Largest(beam.PTransform):
    def expand(self, batches):
        return batches | beam.Map(lambda batch: np.max(batch[0])) | beam.CombineGlobally(max)


def only_on_beam(inputs):
    price = column(inputs["price"], 0.0)
    [largest] = tft.experimental.ptransform_analyzer([price], _Largest(), [tf.float32], [[]])
    return {"share": price / largest}


def no_outputs(inputs):
    return {}


def own(inputs):
    """A function of a user: ids of a vocabulary, without reserved ids, and no label."""
    color = column(inputs["color"], "")
    return {
        "numeric": tft.scale_to_z_score(column(inputs["price"], 0.0))[:, None],
        "categorical": 2 + tft.compute_and_apply_vocabulary(color, default_value=97)[:, None],
    }


def own_wrong(inputs):
    return {"price": inputs["price"]}


def own_not_finite(inputs):
    return {"numeric": 1.0 / (column(inputs["price"], 0.0)[:, None] * 0.0)}
