"""Pipeline parallelism after Huang et al. 2019: idle time, gradients, memory and speed.

    python -m benchmarks.gpipe [--quick] [--rounds N]

The net is a stack of equal blocks (32 convolutions of 3 x 3 with 32 filters on 32 x 32 places,
between a small stem and a small head; 64 rows in a batch), large enough that a task of a stage
takes milliseconds and TensorFlow's dispatch microseconds. It is cut by
`components.models.distribution.gpipe` as the Trainer cuts a model. Everything runs in
processes of its own with a fixed number of threads: one within operations, and as many between
them as there are stages.

*Idle time.* For K in 2, 4 and M in 1, 2, 4, 8, 16, 32: the schedule by its own clock, each task
as long as the measured costs of its layers, against (K - 1) / (M + K - 1).

*Gradients.* For the same K and M: of a mini-batch by the pipeline, against those of the whole
model, as the norm of the difference of all gradients over the norm of all gradients. In double
precision, as in single precision the order of a sum of 65,536 numbers changes more than 1e-6
of it; those figures are there, too, beside what single precision itself costs.

*Memory.* K = 2, M = 16: the peak of the process' resident memory in two training steps less what
it held before them, graphs traced, with re-materialisation over without.

*Speed.* K = 2, M = 16, two threads, against the model's own training step on the whole batch with
one thread; the same optimizer. The processes take turns step by step, so that what else
the machine does meets all alike; the figure is the median of the ratios.

The last line on standard output is one JSON object:

``bubble_error_max``
    Largest absolute difference between the two idle shares.
``gradient_error_max``
    Largest relative error, in double precision.
``speedup_k2_m16``
    Seconds of a step of the whole model over those of the pipeline with re-materialisation.
``memory_ratio``
    Peak with re-materialisation over peak without.
``gradient_error_single_max``, ``gradient_rounding_single``
    The same in single precision, and how far the whole model's gradients in single precision
    are from those in double precision.
``speedup_k2_m16_kept``
    As ``speedup_k2_m16``, without re-materialisation.
``cpu_ratio``, ``cpu_ratio_kept``
    Processor time of a step of the pipeline over that of the whole model: 4/3 would be the
    forward pass that is repeated, and nothing else.
``step_s``, ``step_kept_s``, ``step_whole_s``
    Median seconds of a step.
``bubble_measured``
    Idle share by the wall clock at K = 2, M = 16, which the paper's formula puts at 1/17.
``memory_mb``, ``memory_kept_mb``, ``memory_whole_mb``
    The peaks: with and without re-materialisation, and of the whole model.
``load``
    Mean number of processes that wanted to run, in the minute before the speed was
    measured; more than the cores' number means that others were there.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

PROJECT = Path(__file__).parents[1]
STAGES, MICRO_BATCHES = (2, 4), (1, 2, 4, 8, 16, 32)
#: Those at which speed and memory are measured.
TYPICAL = (2, 16)
CLASSES = 10
ROUNDS, QUICK_ROUNDS = 31, 5
#: Steps of each process before its clock counts.
WARM_UPS = 3
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Net:
    """A stack of equal convolutions, and the batch it is trained with."""

    blocks: int = 32
    side: int = 32
    filters: int = 32
    rows: int = 64


FULL, QUICK = Net(), Net(blocks=8, side=8, filters=8, rows=32)


def build(net: Net) -> Any:
    """Return the compiled model."""
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    inputs = tf_keras.Input((net.side, net.side, 1))
    # Else the first block would be cheaper than the others: nothing before it learns.
    x = tf_keras.layers.Conv2D(net.filters, 1)(inputs)
    for _ in range(net.blocks):
        x = tf_keras.layers.Conv2D(
            net.filters, 3, padding="same", activation="relu", kernel_initializer="he_normal"
        )(x)
    x = tf_keras.layers.GlobalAveragePooling2D()(x)
    model = tf_keras.Model(inputs, tf_keras.layers.Dense(CLASSES)(x))
    model.compile(
        tf_keras.optimizers.SGD(0.01),
        tf_keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    return model


def batch(net: Net) -> tuple[Any, Any]:
    """Return random features and labels."""
    import tensorflow as tf

    draw = np.random.default_rng(0)
    features = draw.normal(size=(net.rows, net.side, net.side, 1))
    labels = draw.integers(0, CLASSES, net.rows)
    return tf.constant(features, tf.float32), tf.constant(labels)


def start_tensorflow(threads: int) -> None:
    """Set the threads between operations, and as many logical devices."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    (cpu,) = tf.config.list_physical_devices("CPU")
    devices = [tf.config.LogicalDeviceConfiguration()] * threads
    tf.config.set_logical_device_configuration(cpu, devices)


def cells(net: Net) -> list[tuple[int, int]]:
    """Return the numbers of stages and of micro-batches that fit the net."""
    return [(k, m) for k in STAGES for m in MICRO_BATCHES if net.rows % m == 0]


def bubbles(net: Net) -> Iterator[dict[str, Any]]:
    """Yield the idle share of each schedule, by its own clock and as published."""
    from components.models.distribution.gpipe import GPipe, bubble_share

    start_tensorflow(max(STAGES))
    model, costs = build(net), {}
    for stages, micro_batches in cells(net):
        pipe = GPipe(
            model, stages, micro_batches, batch_size=net.rows, costs=costs.get(micro_batches)
        )
        costs[micro_batches] = pipe.costs
        idle, ideal = pipe.simulate(micro_batches).idle_share, bubble_share(stages, micro_batches)
        shares = [round(part.cost_share, 4) for part in pipe.partitions]
        yield {"k": stages, "m": micro_batches, "idle": idle, "ideal": ideal, "shares": shares}


def gradients(net: Net) -> Iterator[dict[str, Any]]:
    """Yield the relative errors of the gradients: of each pipeline, and of single precision."""
    import tensorflow as tf
    import tf_keras

    from components.models.distribution.gpipe import GPipe, LayerCost

    start_tensorflow(max(STAGES))
    models = {}
    for precision in ("float32", "float64"):
        tf_keras.backend.set_floatx(precision)
        models[precision] = build(net)
    models["float64"].set_weights(models["float32"].get_weights())
    features, labels = batch(net)

    def whole(model: Any) -> list[tf.Tensor]:
        @tf.function
        def run(features: tf.Tensor, labels: tf.Tensor) -> list[tf.Tensor]:
            with tf.GradientTape() as tape:
                loss = model.loss(labels, model(features, training=True))
            return tape.gradient(loss, model.trainable_variables)

        return run(features, labels)

    def apart(one: list[tf.Tensor], other: list[tf.Tensor]) -> float:
        pairs = [
            (tf.cast(a, tf.float64), tf.cast(b, tf.float64))
            for a, b in zip(one, other, strict=True)
        ]
        norm = tf.linalg.global_norm([b for _, b in pairs])
        return float(tf.linalg.global_norm([a - b for a, b in pairs]) / norm)

    expected = {precision: whole(model) for precision, model in models.items()}
    yield {"rounding": apart(expected["float32"], expected["float64"])}
    costs = [LayerCost(layer.name, 1.0, 3.0) for layer in models["float32"].layers[1:]]
    for stages, micro_batches in cells(net):
        errors = {}
        for precision, model in models.items():
            pipe = GPipe(model, stages, micro_batches, batch_size=net.rows, costs=costs)
            run = tf.function(
                lambda x, y, pipe=pipe, loss=model.loss: pipe.gradients(x, y, loss=loss)[1]
            )
            errors[precision] = apart(run(features, labels), expected[precision])
        yield {"k": stages, "m": micro_batches, **errors}


def _step(net: Net, kind: str) -> Callable[[], Any]:
    """Return a training step: of the ``whole`` model, or a pipeline's (``anew``, ``kept``)."""
    import tensorflow as tf

    from components.models.distribution.gpipe import GPipe

    stages, micro_batches = TYPICAL
    start_tensorflow(1 if kind == "whole" else stages)
    model, data = build(net), batch(net)
    step = model.train_step
    if kind != "whole":
        pipe = GPipe(
            model, stages, micro_batches, batch_size=net.rows, rematerialize=kind == "anew"
        )
        step = pipe.train_step
    model.optimizer.build(model.trainable_variables)
    traced = tf.function(lambda *batch: step(batch)).get_concrete_function(*data)
    return lambda: traced(*data)["loss"].numpy()


def memory(net: Net, kind: str) -> Iterator[dict[str, Any]]:
    """Yield the peak of memory of two steps, in bytes."""
    step = _step(net, kind)
    before = _resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # makes the peak start anew
    step()
    step()
    yield {"peak": _resident("VmHWM") - before}


def _resident(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(name)


def speed(net: Net, kind: str) -> Iterator[dict[str, Any]]:
    """Yield seconds and processor seconds of a step for each line on standard input."""
    step = _step(net, kind)
    yield {}
    for _ in sys.stdin:
        wall, processor = time.perf_counter(), time.process_time()
        step()
        yield {
            "wall": time.perf_counter() - wall,
            "processor": time.process_time() - processor,
        }


def idleness(net: Net) -> Iterator[dict[str, Any]]:
    """Yield the idle share of the stages by the wall clock."""
    from components.models.distribution.gpipe import GPipe

    stages, micro_batches = TYPICAL
    start_tensorflow(stages)
    pipe = GPipe(build(net), stages, micro_batches, batch_size=net.rows)
    yield {"bubble": pipe.measure(batch(net)[0]).bubble_share}


PARTS: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "bubbles": bubbles,
    "gradients": gradients,
    "memory": memory,
    "speed": speed,
    "idleness": idleness,
}


@contextmanager
def started(part: str, quick: bool, kind: str | None = None) -> Iterator[subprocess.Popen[str]]:
    """Start a part in a fresh process, and end it."""
    command = [sys.executable, "-m", "benchmarks.gpipe", "--part", part]
    command += ["--quick"] if quick else []
    command += [] if kind is None else ["--kind", kind]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def results(part: str, quick: bool, kind: str | None = None) -> list[dict[str, Any]]:
    """Return all that a part yields."""
    with started(part, quick, kind) as process:
        assert process.stdout is not None
        found = []
        for line in process.stdout:
            print(f"{part} {kind or ''}: {line.strip()}", file=sys.stderr)
            found.append(json.loads(line))
        if process.wait():
            raise RuntimeError(f"The part {part} failed.")
        return found


def race(quick: bool, rounds: int) -> dict[str, Any]:
    """Return the figures of speed: three processes take turns step by step."""
    kinds = ("whole", "anew", "kept")
    walls: dict[str, list[float]] = {kind: [] for kind in kinds}
    processors: dict[str, list[float]] = {kind: [] for kind in kinds}
    with ExitStack() as stack:
        processes = {kind: stack.enter_context(started("speed", quick, kind)) for kind in kinds}
        for process in processes.values():
            _answer(process)
        load = os.getloadavg()[0]
        for turn in range(WARM_UPS + rounds):
            for kind, process in processes.items():
                assert process.stdin is not None
                process.stdin.write("step\n")
                process.stdin.flush()
                answer = _answer(process)
                if turn >= WARM_UPS:
                    walls[kind].append(answer["wall"])
                    processors[kind].append(answer["processor"])
            if turn >= WARM_UPS:
                seconds = ", ".join(f"{kind} {walls[kind][-1]:.3f}" for kind in kinds)
                print(f"speed {turn - WARM_UPS + 1}/{rounds}: {seconds} s", file=sys.stderr)

    def ratio(one: list[float], other: list[float]) -> float:
        pairs = zip(one, other, strict=True)
        return round(statistics.median(first / second for first, second in pairs), 3)

    return {
        "speedup_k2_m16": ratio(walls["whole"], walls["anew"]),
        "speedup_k2_m16_kept": ratio(walls["whole"], walls["kept"]),
        "cpu_ratio": ratio(processors["anew"], processors["whole"]),
        "cpu_ratio_kept": ratio(processors["kept"], processors["whole"]),
        "step_s": round(statistics.median(walls["anew"]), 4),
        "step_kept_s": round(statistics.median(walls["kept"]), 4),
        "step_whole_s": round(statistics.median(walls["whole"]), 4),
        "load": round(load, 2),
    }


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise RuntimeError("A process ended before its turn.")
    found: dict[str, Any] = json.loads(line)
    return found


def _digits(value: float) -> float:
    return float(f"{value:.3g}")


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smaller net, 5 rounds")
    parser.add_argument("--rounds", type=int, help=f"steps that are timed; default {ROUNDS}")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--kind", choices=("whole", "anew", "kept"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        net = QUICK if options.quick else FULL
        for found in PARTS[options.part](net, *([options.kind] if options.kind else [])):
            print(json.dumps(found), flush=True)
        return
    quick = options.quick
    idle = results("bubbles", quick)
    rounding, *errors = results("gradients", quick)
    kinds = {"memory_mb": "anew", "memory_kept_mb": "kept", "memory_whole_mb": "whole"}
    peaks = {key: results("memory", quick, kind)[0]["peak"] for key, kind in kinds.items()}
    (waiting,) = results("idleness", quick)
    figures = race(quick, options.rounds or (QUICK_ROUNDS if quick else ROUNDS))
    first = {
        "bubble_error_max": round(max(abs(each["idle"] - each["ideal"]) for each in idle), 4),
        "gradient_error_max": _digits(max(each["float64"] for each in errors)),
        "speedup_k2_m16": figures.pop("speedup_k2_m16"),
        "memory_ratio": round(peaks["memory_mb"] / peaks["memory_kept_mb"], 3),
    }
    rest = {
        "gradient_error_single_max": _digits(max(each["float32"] for each in errors)),
        "gradient_rounding_single": _digits(rounding["rounding"]),
        "bubble_measured": round(waiting["bubble"], 4),
        **{key: round(peak / MEGABYTE, 1) for key, peak in peaks.items()},
    }
    print(json.dumps({**first, **figures, **rest}))


if __name__ == "__main__":
    main()
