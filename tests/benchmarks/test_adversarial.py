"""The benchmark of attacks: its figures follow from what the attacks find."""

import csv

import numpy as np

from benchmarks import adversarial, data
from components.attacks.constraints import violations


def test_figures_of_two_networks_and_both_libraries(monkeypatch):
    monkeypatch.setattr(adversarial, "CURVE", (0.9,))
    monkeypatch.setattr(adversarial, "CURVE_ROWS", 16)
    monkeypatch.setattr(adversarial, "HELD_OUT", 64)
    monkeypatch.setattr(adversarial, "BATCH", 32)
    monkeypatch.setattr(adversarial, "RATE", 0.01)
    monkeypatch.setattr(adversarial, "network", _small_network)
    random = np.random.default_rng(0)
    label = random.integers(0, 10, 1024)
    image = random.integers(0, 30, (1024, 28, 28, 1))
    image[np.arange(1024), label + 9] += 200  # a line, lower or higher
    rows = {"image": image.astype(np.uint8), "label": label}
    test = {name: values[:40] for name, values in rows.items()}
    found = adversarial.mnist(rows, test, 12, 1)
    assert found["clean"]["plain"] > 90
    for name in ("fgsm", "pgd"):
        accuracies = found[name]
        assert accuracies["cleverhans"] == accuracies["foolbox"] <= found["clean"]["plain"]
    for curve in found["curve"].values():
        assert curve == {"0.9": 0.0}
    assert found["plain_accuracy"] <= min(found["pgd"].values())
    assert 0 <= found["robust_accuracy"] <= found["clean"]["robust"]


def _small_network(seed):
    import tf_keras

    from components.models.image_architectures import ScalePixels

    tf_keras.utils.set_random_seed(seed)
    pixels = tf_keras.Input((28, 28, 1), name="image")
    x = tf_keras.layers.Flatten()(ScalePixels([0.0], [255.0])(pixels))
    return tf_keras.Model({"image": pixels}, tf_keras.layers.Dense(10)(x))


def test_the_attack_on_raw_columns_keeps_to_its_rules_and_the_check_is_not_blind(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(adversarial, "ADULT_ROWS", 30)
    monkeypatch.setattr(adversarial, "DRAWS", 1)
    monkeypatch.setattr(adversarial, "DRAW_ROWS", 20)
    paths = tmp_path / "train.csv", tmp_path / "test.csv"
    random = np.random.default_rng(0)
    for path in paths:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(data.ADULT_COLUMNS)
            writer.writerows(_people(random))
    monkeypatch.setattr(data, "adult", lambda directory: paths)
    found = adversarial.adult(tmp_path)
    assert found["violations"] == 0
    assert found["rows"] == 30
    assert 0 < found["success"] <= 100
    assert found["checked"] > 0
    monkeypatch.setattr(adversarial, "attack", _rude(adversarial.attack))
    assert adversarial.adult(tmp_path)["violations"] > 0


def _people(random):
    for _ in range(200):
        hours = int(random.integers(20, 60))
        yield [
            int(random.integers(18, 70)),
            str(random.choice(["Private", "State-gov", ""])),
            int(random.integers(10_000, 90_000)),
            str(random.choice(["HS-grad", "Masters"])),
            int(random.integers(1, 16)),
            "Divorced",
            str(random.choice(["Sales", "Tech-support"])),
            "Husband",
            "White",
            str(random.choice(["Male", "Female"])),
            0,
            0,
            hours,
            "Cuba",
            ">50K" if hours > 45 else "<=50K",
        ]


def _rude(attack):
    """Return an attack that turns sexes, too."""

    def rude(*arguments, **settings):
        found = attack(*arguments, **settings)
        sex = found.columns["sex"]
        found.columns["sex"] = np.where(sex == "Male", "Female", "Male").astype(object)
        return found

    return rude


def test_missing_numbers_and_texts_are_read_as_missing(tmp_path):
    path = tmp_path / "adult.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(data.ADULT_COLUMNS)
        writer.writerow([*["" for _ in data.ADULT_COLUMNS[:-1]], ">50K"])
    columns, labels = adversarial.adult_columns(path)
    assert labels.tolist() == [1]
    assert np.isnan(columns["age"][0])
    assert columns["sex"][0] == ""
    limits = {"rules": adversarial.ADULT_RULES, "eps": 1, "max_columns": 0}
    assert violations(columns, columns, columns, **limits) == []
