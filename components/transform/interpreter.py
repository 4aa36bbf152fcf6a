"""TensorFlow Transform's analysis graph, evaluated in this process instead of on Beam.

`tensorflow_transform.beam.analysis_graph_builder` turns a preprocessing function into
a graph of operations. Its Beam engine makes a Beam transform of each operation; this
module computes each one on plain values, with the same combiners and the same
functions for what an operation does to an element.

Values are lazy, so that the whole graph is known before any data is read, and all
operations that accumulate over one phase's tensors share one pass over the data.
"""

from __future__ import annotations

import functools
import hashlib
import heapq
import itertools
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

import numpy as np
import tensorflow as tf
from tensorflow_transform import analyzer_nodes, analyzers, nodes, tf_utils
from tensorflow_transform.beam import analyzer_impls, beam_nodes

from components.errors import InputError

Tensors = dict[str, np.ndarray]
Pairs = list[tuple[Any, Any]]
Ordering = analyzers._VocabOrderingType

T = TypeVar("T")


class Lazy(Generic[T]):
    """A value that is computed when it is first asked for."""

    def __init__(self, compute: Callable[[], T]) -> None:
        self._compute: Callable[[], T] | None = compute
        self._value: T

    def get(self) -> T:
        """Return the value."""
        if self._compute is not None:
            self._value = self._compute()
            self._compute = None
        return self._value


def _item(values: Lazy[Any], index: int) -> Any:
    return values.get()[index]


class Fold:
    """An accumulation over batches: `add` for each batch, `finish` after the last.

    Parameters
    ----------
    add : callable
        Takes the tensors of a batch that the operation needs.
    finish : callable
        Returns the accumulated value.
    """

    def __init__(self, add: Callable[[Any], None], finish: Callable[[], Any]) -> None:
        self.add = add
        self.finish = finish


class Pass:
    """One phase's pass over the data, which feeds all folds that were registered on it.

    Parameters
    ----------
    batches : Lazy of callable
        Gives a function that yields each batch's tensors by name.
    """

    def __init__(self, batches: Lazy[Callable[[], Iterator[Tensors]]]) -> None:
        self._folds: list[tuple[Callable[[Tensors], Any], Fold]] = []
        self._results: Lazy[list[Any]] = Lazy(lambda: self._run(batches.get()()))

    def register(self, select: Callable[[Tensors], Any], fold: Fold) -> Lazy[Any]:
        """Feed `fold` with what `select` takes of each batch; return its result."""
        index = len(self._folds)
        self._folds.append((select, fold))
        return Lazy(functools.partial(_item, self._results, index))

    def _run(self, batches: Iterator[Tensors]) -> list[Any]:
        for tensors in batches:
            for select, fold in self._folds:
                fold.add(select(tensors))
        return [fold.finish() for _, fold in self._folds]


class Column:
    """Some tensors of a pass: what the operations that accumulate take as input."""

    def __init__(self, source: Pass, keys: tuple[str, ...] | str) -> None:
        self.source = source
        self.keys = keys

    def select(self, tensors: Tensors) -> Any:
        """Return this column's tensors of one batch."""
        if isinstance(self.keys, tuple):
            return tuple(tensors[key] for key in self.keys)
        return tensors[self.keys]


class PerKey:
    """A reduction of (key, value) pairs, key by key.

    Parameters
    ----------
    combine : callable
        Takes what was accumulated for a key, None at first, and a value.
    output : callable
        Takes what was accumulated and returns the result.
    """

    def __init__(
        self,
        combine: Callable[[Any, Any], Any],
        output: Callable[[Any], Any] = lambda accumulator: accumulator,
    ) -> None:
        self._combine = combine
        self._output = output

    def add(self, sums: dict[Any, Any], pairs: Iterable[tuple[Any, Any]]) -> None:
        """Combine `pairs` into `sums`."""
        for key, value in pairs:
            sums[key] = self._combine(sums.get(key), value)

    def extract(self, sums: dict[Any, Any]) -> Pairs:
        """Return the result of each key."""
        return [(key, self._output(value)) for key, value in sums.items()]

    def __call__(self, pairs: Iterable[tuple[Any, Any]]) -> Pairs:
        sums: dict[Any, Any] = {}
        self.add(sums, pairs)
        return self.extract(sums)


_SUM = PerKey(lambda total, value: value if total is None else total + value)
_SUM_LABELED = PerKey(
    lambda total, value: analyzer_impls.sum_labeled_weights(
        [value] if total is None else [total, value]
    )
)


def _means(weighted: bool) -> PerKey:
    combine = analyzer_impls._WeightedMeanCombineFn(output_shape=(None,), compute_weighted=weighted)
    return PerKey(
        lambda accumulator, value: combine.add_input(
            combine.create_accumulator() if accumulator is None else accumulator, value
        ),
        combine.extract_output,
    )


# --- Operations that read batches: each returns a fold. ---


def _combine(combiner: analyzer_nodes.Combiner) -> Fold:
    accumulator = combiner.create_accumulator()

    def add(values: Any) -> None:
        nonlocal accumulator
        accumulator = combiner.add_input(accumulator, values)

    return Fold(add, lambda: combiner.compact(accumulator))


def _combine_accumulate(op: analyzer_nodes.CacheableCombineAccumulate) -> Fold:
    return _combine(op.combiner)


def _packed_accumulate(op: analyzer_nodes.PackedCombineAccumulate) -> Fold:
    folds = [_combine(packed.combiner) for packed in op.combiners]

    def add(tensors: Tensors) -> None:
        for packed, fold in zip(op.combiners, folds, strict=True):
            fold.add(tuple(tensors[key] for key in packed.keys))

    return Fold(
        add,
        lambda: {
            packed.label: fold.finish() for packed, fold in zip(op.combiners, folds, strict=True)
        },
    )


def _per_key_accumulate(op: analyzer_nodes.CacheableCombinePerKeyAccumulate) -> Fold:
    accumulators: dict[Any, Any] = {}

    def add(values: Any) -> None:
        for key, arguments in analyzer_impls._split_inputs_by_key(values):
            accumulator = accumulators.get(key)
            if accumulator is None:
                accumulator = op.combiner.create_accumulator()
            accumulators[key] = op.combiner.add_input(accumulator, arguments)

    return Fold(
        add, lambda: [(key, op.combiner.compact(value)) for key, value in accumulators.items()]
    )


def _vocabulary_accumulate(op: analyzer_nodes.VocabularyAccumulate) -> Fold:
    ordering = op.vocab_ordering_type
    if ordering == Ordering.FREQUENCY:
        counts: Counter[Any] = Counter()

        def count(values: Any) -> None:
            counts.update(analyzer_impls._flatten_value_to_list(values))

        return Fold(count, lambda: list(counts.items()))

    flatten: Callable[[Any], Iterable[tuple[Any, Any]]]
    if ordering == Ordering.WEIGHTED_FREQUENCY:
        flatten = analyzer_impls._flatten_value_and_weights_to_list_of_tuples
        per_key = _SUM
    elif ordering == Ordering.WEIGHTED_LABELS:
        flatten = analyzer_impls._flatten_value_and_labeled_weights_to_list_of_tuples
        per_key = _SUM_LABELED
    else:
        weighted = ordering == Ordering.WEIGHTED_MUTUAL_INFORMATION
        per_key = _means(weighted)
        flatten = functools.partial(
            analyzer_impls._flatten_to_key_and_means_accumulator_list, compute_weighted=weighted
        )

    sums: dict[Any, Any] = {}
    return Fold(lambda values: per_key.add(sums, flatten(values)), lambda: per_key.extract(sums))


#: Operations that accumulate over the tensors of a phase.
FOLDS: dict[Any, Callable[[Any], Fold]] = {
    analyzer_nodes.CacheableCombineAccumulate: _combine_accumulate,
    analyzer_nodes.PackedCombineAccumulate: _packed_accumulate,
    analyzer_nodes.CacheableCombinePerKeyAccumulate: _per_key_accumulate,
    analyzer_nodes.VocabularyAccumulate: _vocabulary_accumulate,
}


# --- Operations on values: each returns one value per output. ---


def _by_key(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return groups


def _merge(combiner: analyzer_nodes.Combiner, accumulators: Iterable[Any]) -> Any:
    return combiner.extract_output(
        combiner.merge_accumulators([combiner.create_accumulator(), *accumulators])
    )


def _combine_merge(
    op: analyzer_nodes.CacheableCombineMerge, _: Evaluator, accumulator: Any
) -> tuple[Any]:
    return (_merge(op.combiner, [accumulator]),)


def _packed_merge(
    op: analyzer_nodes.PackedCombineMerge, _: Evaluator, pairs: Pairs
) -> tuple[dict[str, Any]]:
    accumulators = _by_key(pairs)
    return (
        {
            packed.label: _merge(packed.combiner, accumulators[packed.keys[0]])
            for packed in op.combiners
        },
    )


def _per_key_merge(
    op: analyzer_nodes.CacheableCombinePerKeyMerge, _: Evaluator, pairs: Pairs
) -> tuple[Pairs]:
    return ([(key, _merge(op.combiner, values)) for key, values in _by_key(pairs).items()],)


def _per_key_format(
    op: analyzer_nodes.CacheableCombinePerKeyFormatKeys, _: Evaluator, pairs: Pairs
) -> tuple[Any, ...]:
    dtypes = [info.dtype for info in op.combiner.output_tensor_infos()]
    return tuple(tagged.value for tagged in analyzer_impls._merge_outputs_by_key(pairs, dtypes))


def _per_key_format_large(_op: Any, _: Evaluator, pairs: Pairs) -> tuple[Pairs]:
    text = tf.compat.as_str_any
    return ([(text(",".join(map(text, value))), key) for key, value in pairs],)


def _bucket_boundaries(_op: Any, _: Evaluator, matrix: np.ndarray) -> tuple[Any, ...]:
    return tuple(analyzer_impls._join_boundary_rows(matrix))


def _outputs(_op: Any, _: Evaluator, outputs: Any) -> tuple[Any, ...]:
    return tuple(outputs)


def _add_key(op: analyzer_nodes.AddKey, _: Evaluator, value: Any) -> tuple[Pairs]:
    return ([(op.key, value)],)


def _flatten(_op: Any, _: Evaluator, *collections: Any) -> tuple[list[Any]]:
    return (list(itertools.chain.from_iterable(collections)),)


def _flatten_lists(_op: Any, _: Evaluator, collection: Any) -> tuple[list[Any]]:
    return (list(collection),)


def _extract(op: beam_nodes.ExtractFromDict, _: Evaluator, values: dict[str, Any]) -> tuple[Any]:
    if isinstance(op.keys, tuple):
        return (tuple(values[key] for key in op.keys),)
    return (values[op.keys],)


def _vocabulary_merge(
    op: analyzer_nodes.VocabularyMerge, _: Evaluator, pairs: Pairs
) -> tuple[Pairs]:
    ordering = op.vocab_ordering_type
    if ordering in (Ordering.MUTUAL_INFORMATION, Ordering.WEIGHTED_MUTUAL_INFORMATION):
        merged = _mutual_information(
            pairs,
            ordering == Ordering.WEIGHTED_MUTUAL_INFORMATION,
            op.use_adjusted_mutual_info,
            op.min_diff_from_avg,
        )
    elif ordering == Ordering.WEIGHTED_LABELS:
        merged = _SUM_LABELED(pairs)
    else:
        merged = _SUM(pairs)
    return ([(indicator, token) for token, indicator in merged],)


def _mutual_information(
    pairs: Pairs, weighted: bool, adjusted: bool, min_diff_from_avg: float | None
) -> Pairs:
    merged = dict(_means(weighted)(pairs))
    totals = [
        merged.pop(sentinel)
        for sentinel in (
            tf_utils.GLOBAL_Y_COUNT_SENTINEL_STRING,
            tf_utils.GLOBAL_Y_COUNT_SENTINEL_INT,
        )
        if sentinel in merged
    ]
    if not totals:
        return []
    [total] = totals
    if min_diff_from_avg is None:
        min_diff_from_avg = analyzers.calculate_recommended_min_diff_from_avg(
            total.count * total.weight
        )
    result = []
    for pair in merged.items():
        token, (information, _, frequency) = (
            analyzer_impls._calculate_mutual_information_for_feature_value(
                pair, total, adjusted, min_diff_from_avg
            )
        )
        result.append((token, (information, frequency)))
    return result


def _vocabulary_count(_op: Any, _: Evaluator, vocabulary: Pairs) -> tuple[np.int64]:
    # An empty vocabulary is written with one dummy token.
    return (np.int64(max(len(vocabulary), 1)),)


def _vocabulary_prune(
    op: analyzer_nodes.VocabularyPrune, _: Evaluator, vocabulary: Pairs
) -> tuple[Pairs]:
    def passing(frequency: float, informativeness: float) -> Pairs:
        result = []
        for value, token in vocabulary:
            information, count = value if isinstance(value, tuple) else (float("inf"), value)
            if (frequency > 0 or informativeness > float("-inf")) and not (
                count >= frequency and information >= informativeness
            ):
                continue
            if op.input_dtype != tf.string.name:
                token = tf.compat.as_bytes(tf.compat.as_str_any(token))
            result.append((value[0] if isinstance(value, tuple) else value, token))
        return result

    kept = passing(op.frequency_threshold, op.informativeness_threshold)
    if op.top_k is not None:
        kept = analyzer_impls.maybe_add_empty_vocabulary_dummy(
            heapq.nlargest(op.top_k, kept), op.input_dtype
        )
    if op.key_fn:
        coverage = passing(op.coverage_frequency_threshold, op.coverage_informativeness_threshold)
        if op.coverage_top_k is not None:
            groups = _by_key((op.key_fn(token), (value, token)) for value, token in coverage)
            coverage = [
                pair
                for group in groups.values()
                for pair in heapq.nlargest(op.coverage_top_k, group)
            ]
        kept = list(dict.fromkeys([*kept, *coverage]))
    return (kept,)


def _vocabulary_write(
    op: analyzer_nodes.VocabularyOrderAndWrite,
    evaluator: Evaluator,
    vocabulary: Pairs,
    reserved: list[list[bytes]] | None = None,
) -> tuple[np.ndarray]:
    if reserved is not None:
        [tokens] = reserved
        taken = set(tokens)
        vocabulary = [pair for pair in vocabulary if pair[1] not in taken]
    if reserved is not None or not op.input_is_sorted:
        if op.fingerprint_shuffle:
            vocabulary = sorted(vocabulary, key=lambda pair: hashlib.sha1(pair[1]).digest())
        else:
            vocabulary = sorted(vocabulary, reverse=True)
        if reserved is not None:
            vocabulary = [*((-1, token) for token in tokens), *vocabulary]
        vocabulary = analyzer_impls.maybe_add_empty_vocabulary_dummy(vocabulary, op.input_dtype)
    lines = [
        analyzer_impls._count_and_token_to_bytes(count, token) if op.store_frequency else token
        for count, token in vocabulary
    ]
    path = os.path.join(evaluator.directory, op.vocab_filename)
    if op.file_format == "tfrecord_gzip":
        path += ".tfrecord.gz"
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for line in lines:
                writer.write(line)
    else:
        with open(path, "wb") as file:
            file.writelines(line + b"\n" for line in lines)
    return (np.array(path),)


def _reserved_tokens(
    op: analyzer_nodes.ExtractVocabularyReservedTokens, evaluator: Evaluator
) -> tuple[list[Any]]:
    return ([tf_utils.fetch_vocabulary_reserved_tokens(evaluator.graph, op.name)],)


#: Operations on accumulated values.
OPERATIONS: dict[Any, Callable[..., tuple[Any, ...]]] = {
    analyzer_nodes.AddKey: _add_key,
    analyzer_nodes.CacheableCombineMerge: _combine_merge,
    analyzer_nodes.CacheableCombinePerKeyFormatKeys: _per_key_format,
    analyzer_nodes.CacheableCombinePerKeyFormatLarge: _per_key_format_large,
    analyzer_nodes.CacheableCombinePerKeyMerge: _per_key_merge,
    analyzer_nodes.ExtractCombineMergeOutputs: _outputs,
    analyzer_nodes.ExtractPackedCombineMergeOutputs: _outputs,
    analyzer_nodes.ExtractVocabularyReservedTokens: _reserved_tokens,
    analyzer_nodes.FlattenLists: _flatten_lists,
    analyzer_nodes.PackedCombineMerge: _packed_merge,
    analyzer_nodes.ScaleAndFlattenPerKeyBucketBouandaries: _bucket_boundaries,
    analyzer_nodes.VocabularyCount: _vocabulary_count,
    analyzer_nodes.VocabularyMerge: _vocabulary_merge,
    analyzer_nodes.VocabularyOrderAndWrite: _vocabulary_write,
    analyzer_nodes.VocabularyPrune: _vocabulary_prune,
    beam_nodes.ExtractFromDict: _extract,
    beam_nodes.Flatten: _flatten,
}


class Evaluator(nodes.Visitor):
    """Gives each node of an analysis graph its lazy value.

    Parameters
    ----------
    graph : tf.Graph
        The graph that the preprocessing function was traced to.
    directory : str
        Where vocabulary files are written.
    run_phase : callable
        Takes a `CreateSavedModel` operation and the values of the tensors that
        earlier phases have computed, by tensor name; returns a function that
        yields each batch's tensors by name.
    """

    def __init__(
        self,
        graph: tf.Graph,
        directory: str,
        run_phase: Callable[
            [beam_nodes.CreateSavedModel, dict[str, tf.Tensor]], Callable[[], Iterator[Tensors]]
        ],
    ) -> None:
        self.graph = graph
        self.directory = directory
        self._run_phase = run_phase

    def visit(self, operation_def: nodes.OperationDef, input_values: tuple[Any, ...]) -> Any:
        """Return the values of an operation's outputs."""
        op: Any = operation_def
        inputs = input_values
        kind = type(op)
        if kind is beam_nodes.ExtractInputForSavedModel:
            return (Lazy(lambda: None),)
        if kind is beam_nodes.CreateTensorBinding:
            return (Lazy(lambda: (op.tensor_name, _constant(op, inputs[0].get()))),)
        if kind is beam_nodes.CreateSavedModel:
            return (Lazy(lambda: (op, dict(binding.get() for binding in inputs))),)
        if kind is beam_nodes.ApplySavedModel:
            model = inputs[0]
            return (Pass(Lazy(lambda: self._run_phase(*model.get()))),)
        if kind is beam_nodes.ExtractFromDict and isinstance(inputs[0], Pass):
            return (Column(inputs[0], op.keys),)
        if kind in FOLDS:
            [source] = inputs
            if isinstance(source, Pass):
                return (source.register(lambda tensors: tensors, FOLDS[kind](op)),)
            return (source.source.register(source.select, FOLDS[kind](op)),)
        if kind in OPERATIONS:
            handler = OPERATIONS[kind]
            outputs = Lazy(lambda: handler(op, self, *(value.get() for value in inputs)))
            return tuple(
                Lazy(functools.partial(_item, outputs, index)) for index in range(op.num_outputs)
            )
        raise InputError(
            f"The preprocessing function uses {kind.__name__}, which only Beam can run.",
            setting="transform.preprocessing_fn",
            got=op.label,
            remedy="Set beam.engine: beam.",
        )

    def validate_value(self, value: Any) -> None:
        """Accept every value: `visit` makes no others."""


def _constant(op: beam_nodes.CreateTensorBinding, value: Any) -> tf.Tensor:
    return tf.constant(value, tf.dtypes.as_dtype(op.dtype_enum))
