"""Attacks on MNIST's LeNet-5 through CleverHans and Foolbox, and on Adult's raw columns.

    python -m benchmarks.adversarial [--quick]

LeNet-5 is trained on 59,000 of the training images, three epochs of Adam, and attacked on 2,500
of the test images, drawn by a seed: by FGSM [Goodfellow et al. 2015] and by PGD with 20 steps
from a random start [Madry et al. 2018], each as CleverHans and as Foolbox have it, with equal
budgets, steps and bounds. A budget is the largest change of a pixel, as a share of the range from
black to white. The curve over budgets, up to 0.4, is that of the first 500 of them. Then a copy
is trained further on attacked images: one step of length 1.25 eps from a random start for each
batch [Wong et al. 2020], with an eps of 0.15, half more than is asked of it; the epoch with
the least loss under ten-step PGD on 1,000 training images that are held out is kept. It is
attacked like the plain network, through both libraries, and what counts is the image that
withstands both. No test image decides anything in a run; but the budget and rate of the
adversarial training were chosen with figures on test images in view.

On Adult, scikit-learn's histogram gradient boosting, a model without gradients, is attacked through
its raw columns on 1,000 test rows. Age only rises; race, sex and native country never change. Then
it is attacked on fewer rows with rules, budgets and seeds by lot. Every changed row is checked
against its rules.

The last line on standard output is one JSON object, accuracies in %: ``fgsm`` and ``pgd`` by
library, at ``eps`` 0.1, of the plain network; ``robust_accuracy`` and ``plain_accuracy`` of the
two networks under PGD at this budget, and ``clean`` of both without an attack; ``curve`` of each
attack and library by budget; and ``adult`` with ``rows``, ``checked`` (changed rows, draws
included), ``violations``, ``success`` and ``median_columns``.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.mnist import read
from components.attacks.constraints import Columns, Rules, violations
from components.attacks.tabular import Found, WrongClass, attack
from components.models.transformed import IMAGE, LABEL, WHITE

#: Budget of the attacks that are compared, and of the training that withstands it.
EPS, TRAINING_EPS = 0.1, 0.15
CURVE = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4)
CURVE_ROWS, TEST_ROWS, HELD_OUT, SEED = 500, 2_500, 1_000, 1
LIBRARIES, ATTACKS = ("cleverhans", "foolbox"), ("fgsm", "pgd")
EPOCHS, ROBUST_EPOCHS, BATCH = 3, 3, 128
#: Learning rates at the start.
RATE, ROBUST_RATE = 1e-3, 2e-3
QUICK_ROWS, QUICK_TEST, QUICK_EPOCHS = 10_000, 500, 1

ADULT_NUMBERS = (
    "age",
    "fnlwgt",
    "education_num",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
)
ADULT_RULES = Rules(frozenset({"race", "sex", "native_country"}), directions={"age": 1})
ADULT_EPS, ADULT_COLUMNS, ADULT_ROWS = (0.1, 0.25, 0.5, 1.0), 3, 1_000
DRAWS, DRAW_ROWS = 20, 100

Arrays = dict[str, np.ndarray]


def network(seed: int) -> Any:
    """Return an untrained LeNet-5 on pixels from 0 to 255."""
    import tf_keras

    from components.models import image_architectures
    from components.models.hyperparameters import ImageHyperParameters
    from components.models.transformed import ImageFeature

    tf_keras.utils.set_random_seed(seed)
    image = ImageFeature(height=28, width=28, channels=1, mean=(0.0,), deviation=(WHITE,))
    hp = ImageHyperParameters(architecture="lenet5", scaling="unit")
    return image_architectures.build(hp, image, outputs=10)


def trained(train: Arrays, held_out: Arrays, epochs: int) -> Any:
    """Return a plain network, that of its best epoch."""
    from components.models import training
    from components.models.hyperparameters import ImageHyperParameters

    model = network(SEED)
    hp = ImageHyperParameters(
        optimizer="adam",
        learning_rate=RATE,
        schedule="cosine",
        batch_size=BATCH,
        epochs=epochs,
        patience=epochs,
    )
    training.train(
        model,
        train,
        held_out,
        label=LABEL,
        task="multiclass",
        hp=hp,
        epochs=epochs,
        patience=epochs,
        seed=SEED,
    )
    return model


def withstanding(
    victim: Any, test: Arrays, eps: float, names: tuple[str, ...]
) -> dict[str, np.ndarray]:
    """Return for each attack which test images [n] a victim still gets right."""
    from components.attacks import images

    pixels = (test[IMAGE] / WHITE).astype(np.float32)
    right = {}
    for name in names:
        started = time.perf_counter()
        right[name] = images.attack(name, victim, pixels, test[LABEL], eps=eps, seed=SEED).right
        print(
            f"{name} at eps {eps:g}: {right[name].mean():.2%} of {len(pixels):,} right, "
            f"{time.perf_counter() - started:.0f} s",
            file=sys.stderr,
        )
    return right


def percent(right: np.ndarray) -> float:
    """Return the share of what is true, in %."""
    return round(100 * float(right.mean()), 2)


def clean(model: Any, test: Arrays) -> float:
    """Return the accuracy without an attack, in %."""
    from components.models import measuring

    return percent(measuring.outputs(model, test).argmax(axis=1) == test[LABEL])


def mnist(train: Arrays, test: Arrays, epochs: int, robust_epochs: int) -> dict[str, Any]:
    """Return the figures of the two networks."""
    from components.attacks import adversarial_training
    from components.attacks.victim import Victim

    held_out, train = (
        {name: values[part] for name, values in train.items()}
        for part in (slice(0, HELD_OUT), slice(HELD_OUT, None))
    )
    started = time.perf_counter()
    plain = trained(train, held_out, epochs)
    print(f"plain network: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    names = tuple(f"{library}_{name}" for name in ATTACKS for library in LIBRARIES)
    victim = Victim.of(plain)
    found = withstanding(victim, test, EPS, names)
    some = {name: values[:CURVE_ROWS] for name, values in test.items()}
    curve: dict[str, dict[str, float]] = {name: {} for name in names}
    for eps in CURVE:
        for name, right in withstanding(victim, some, eps, names).items():
            curve[name][f"{eps:g}"] = percent(right)
    started = time.perf_counter()
    robust, _ = adversarial_training.train(
        plain,
        train,
        held_out,
        task="multiclass",
        eps=TRAINING_EPS,
        step=1.25 * TRAINING_EPS,
        steps=1,
        epochs=robust_epochs,
        learning_rate=ROBUST_RATE,
        batch_size=BATCH,
        seed=SEED,
    )
    print(f"adversarial training: {time.perf_counter() - started:.0f} s", file=sys.stderr)
    pgd = tuple(f"{library}_pgd" for library in LIBRARIES)
    against = withstanding(Victim.of(robust), test, EPS, pgd)
    return {
        "eps": EPS,
        **{
            name: {library: percent(found[f"{library}_{name}"]) for library in LIBRARIES}
            for name in ATTACKS
        },
        "robust_accuracy": percent(np.all(list(against.values()), axis=0)),
        "plain_accuracy": percent(np.all([found[name] for name in pgd], axis=0)),
        "clean": {"robust": clean(robust, test), "plain": clean(plain, test)},
        "curve": curve,
    }


def adult_columns(path: Path) -> tuple[Columns, np.ndarray]:
    """Return the raw columns of one of Adult's files, and whether the income is above 50K."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns: Columns = {}
    for name in data.ADULT_COLUMNS[:-1]:
        texts = [row[name] for row in rows]
        columns[name] = (
            np.array([float(text or "nan") for text in texts])
            if name in ADULT_NUMBERS
            else np.array(texts, object)
        )
    return columns, np.array([row["income"] == ">50K" for row in rows], np.int64)


class Boosting:
    """Gradient-boosted trees on raw columns.

    Parameters
    ----------
    columns : dict of str to ndarray, shape [n]
    labels : ndarray, shape [n]
    """

    def __init__(self, columns: Columns, labels: np.ndarray) -> None:
        from sklearn.ensemble import HistGradientBoostingClassifier

        self._codes = {
            name: {text: float(code) for code, text in enumerate(np.unique(values))}
            for name, values in columns.items()
            if name not in ADULT_NUMBERS
        }
        categorical = [name in self._codes for name in columns]
        self._trees = HistGradientBoostingClassifier(
            random_state=SEED, categorical_features=categorical
        ).fit(self._matrix(columns), labels)

    def __call__(self, columns: Columns) -> np.ndarray:
        """Return probabilities [n, 2]."""
        return np.asarray(self._trees.predict_proba(self._matrix(columns)))

    def _matrix(self, columns: Columns) -> np.ndarray:
        return np.column_stack(
            [
                [self._codes[name].get(text, np.nan) for text in values]
                if name in self._codes
                else values
                for name, values in columns.items()
            ]
        )


def adult(directory: Path) -> dict[str, Any]:
    """Return the figures of the attack on raw columns."""
    train, test = data.adult(directory)
    model = Boosting(*adult_columns(train))
    columns, labels = adult_columns(test)
    chosen = np.random.default_rng(SEED).permutation(len(labels))

    def attacked(
        rows: np.ndarray, rules: Rules, eps: tuple[float, ...], most: int, seed: int
    ) -> tuple[Found, list[str]]:
        before = {name: values[rows] for name, values in columns.items()}
        found = attack(
            model,
            before,
            WrongClass(labels[rows]),
            observed=columns,
            rules=rules,
            eps=eps,
            max_columns=most,
            seed=seed,
        )
        broken = violations(before, found.columns, columns, rules, eps=max(eps), max_columns=most)
        return found, broken

    started = time.perf_counter()
    found, broken = attacked(chosen[:ADULT_ROWS], ADULT_RULES, ADULT_EPS, ADULT_COLUMNS, SEED)
    print(
        f"Adult: {found.found.sum():,} of {found.right.sum():,} rows turned by "
        f"{found.queries:,} scores, {time.perf_counter() - started:.0f} s",
        file=sys.stderr,
    )
    checked = int(found.found.sum())
    for draw in range(DRAWS):
        random = np.random.default_rng([SEED, draw])
        drawn, more = attacked(
            random.choice(len(labels), DRAW_ROWS, replace=False),
            _drawn_rules(random, columns),
            (float(random.uniform(0, 2)),),
            int(random.integers(1, 5)),
            draw,
        )
        checked += int(drawn.found.sum())
        broken += more
    turned = np.where(found.found, found.changed, np.inf)[found.right]
    middle = float(np.median(turned))
    return {
        "rows": len(found.right),
        "checked": checked,
        "violations": len(broken),
        "success": round(100 * float(found.found.sum() / found.right.sum()), 2),
        "median_columns": middle if np.isfinite(middle) else None,
    }


def _drawn_rules(random: np.random.Generator, columns: Mapping[str, np.ndarray]) -> Rules:
    return Rules(
        frozenset(name for name in columns if random.random() < 1 / 4),
        directions={
            name: int(random.choice([-1, 1])) for name in ADULT_NUMBERS if random.random() < 1 / 2
        },
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few images, one epoch")
    options = parser.parse_args()
    rows, test_rows, epochs = None, TEST_ROWS, (EPOCHS, ROBUST_EPOCHS)
    if options.quick:
        rows, test_rows, epochs = QUICK_ROWS, QUICK_TEST, (QUICK_EPOCHS, QUICK_EPOCHS)
    with tempfile.TemporaryDirectory() as directory:
        images, test_images = data.mnist(Path(directory))
        test = read(test_images, None)
        drawn = np.random.default_rng(SEED).permutation(len(test[LABEL]))[:test_rows]
        test = {name: values[drawn] for name, values in test.items()}
        figures = mnist(read(images, rows), test, *epochs)
        figures["adult"] = adult(Path(directory) / "adult")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
