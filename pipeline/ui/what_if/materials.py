"""What of a run the models are asked with: rows, schema, transform graph and candidates."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.models import candidates, served
from pipeline import dag
from pipeline.store import Artifact, Store

#: Split whose rows are shown, and that neighbours and curves are taken from.
SPLIT = "eval"
#: What the Pusher has deployed, as a candidate.
PUSHED = "pushed"
#: Where the export writes which raw columns a SavedModel takes.
_ARGUMENTS = Path("assets.extra") / "predict_arguments.json"
#: Before the TF Lite file of a candidate, its inputs are made by a SavedModel of its own.
_FEATURIZER = "featurizer"


@dataclass(frozen=True)
class Materials:
    """What is needed of one run, all below the pipeline's root.

    Attributes
    ----------
    run : str
    examples, transform_graph : str
        Directories of artifacts.
    schema : str
        A file: the schema as text.
    statistics : str or None
        A file: what is usual in the train split.
    projection : str or None
        Directory of an artifact, where features are reduced.
    label : str
    task : {"binary", "multiclass", "regression"}
    classes : tuple of str
        Of two, the positive one is last; empty for a regression.
    kinds : dict of str to str
        By column, how its values are stored; see `components.example_gen.dataset.Column`.
    columns : tuple of str
        What the models take, in the order of the data.
    candidates : dict of str to str
        Directories of models, by the name of the candidate.
    blessed : str or None
        Candidate that the Evaluator chose.
    slices : tuple of str
        Columns by which the Evaluator looked at groups.
    absent : tuple of str
        Sentences about models that cannot be asked.
    """

    run: str
    examples: str
    transform_graph: str
    schema: str
    statistics: str | None
    projection: str | None
    label: str
    task: str
    classes: tuple[str, ...]
    kinds: dict[str, str]
    columns: tuple[str, ...]
    candidates: dict[str, str]
    blessed: str | None = None
    slices: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def image(self) -> bool:
        """Whether the examples are images."""
        return "image" in self.kinds.values()

    def to_json(self) -> dict[str, Any]:
        """Return what `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Materials:
        """Return what `to_json` wrote."""
        lists = ("classes", "columns", "slices", "absent")
        return cls(**{**found, **{name: tuple(found[name]) for name in lists}})


def find(store: Store, root: str | os.PathLike[str], run_id: str) -> Materials:
    """Return what a run holds of what is needed.

    Parameters
    ----------
    store : Store
    root : path
        The pipeline's root. Nothing outside of it is read, whatever the store says, and
        wherever links lead.
    run_id : str

    Raises
    ------
    InputError
        There is no such run, or it lacks an artifact without which no model can be asked; or
        one lies outside the root.
    """
    run = store.run(run_id)
    found: dict[str, Artifact] = {}
    for artifact in store.artifacts(run=run.id):  # the newest first
        if artifact.state == "LIVE":
            found.setdefault(f"{artifact.node}.{artifact.key}", artifact)
    inside = Inside(root)
    dataset = _dataset(store, run.id)

    def needed(source: str) -> Path:
        if source not in found:
            raise InputError(
                f"Run {run.id} has no {source}: no model can be asked yet.",
                expected=f"a run in which {dag.producer_of(source)} has come to its end",
                remedy="Choose another run, or resume this one.",
            )
        return inside.directory(found[source].uri)

    examples, schema = needed("ExampleGen.examples"), needed("SchemaGen.schema")
    graph, trained = needed("Transform.transform_graph"), needed("Trainer.model")
    models, absent = _models(found, inside)
    statistics = found.get("StatisticsGen.statistics")
    projection = found.get("DimensionalityReducer.projection")
    kinds = {column["name"]: column["kind"] for column in dataset["columns"]}
    taken = _columns(served.served_directory(trained))
    blessed = found.get("Evaluator.blessed_model")
    chosen = blessed.properties.get("candidate") if blessed else None
    return Materials(
        run=run.id,
        examples=str(examples),
        transform_graph=str(graph),
        schema=str(inside.file(schema / "schema.pbtxt")),
        statistics=_statistics(statistics, inside),
        projection=str(inside.directory(projection.uri)) if projection else None,
        label=dataset["label"],
        task=dataset["task"],
        classes=tuple(dataset["classes"]),
        kinds=kinds,
        columns=tuple(name for name in kinds if name in taken),
        candidates={name: str(path) for name, path in models.items()},
        blessed=chosen if isinstance(chosen, str) and chosen in models else None,
        slices=_slices(run.config, kinds),
        absent=tuple(absent),
    )


class Inside:
    """Checks that what is read lies below a directory, wherever links lead.

    Parameters
    ----------
    root : path
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root).resolve()

    def file(self, path: str | os.PathLike[str]) -> Path:
        """Return the real path of a file.

        Raises
        ------
        InputError
            It lies outside, or is not there.
        """
        found = self._resolved(path)
        if not os.path.isfile(found):
            raise InputError("There is no such file.", file=str(path))
        return found

    def directory(self, path: str | os.PathLike[str]) -> Path:
        """Return the real path of a directory all of whose files lie inside.

        Raises
        ------
        InputError
            It, or a file in it, lies outside; or it is not there.
        """
        found = self._resolved(path)
        if not os.path.isdir(found):
            raise InputError(
                "There is no such directory.",
                file=str(path),
                remedy="It may have been removed; run the pipeline again.",
            )
        for below in found.rglob("*"):
            if below.is_symlink():
                self._resolved(below)
        return found

    def _resolved(self, path: str | os.PathLike[str]) -> Path:
        try:
            found = Path(path).resolve()
        except (OSError, RuntimeError, ValueError):  # a loop of links, or a NUL
            raise InputError("That is no path.", got=repr(str(path))) from None
        if not found.is_relative_to(self._root):
            raise InputError(
                f"{Path(path).name} lies outside the pipeline's root.",
                file=str(path),
                expected=f"below {self._root}",
            )
        return found


def _models(found: Mapping[str, Artifact], inside: Inside) -> tuple[dict[str, Path], list[str]]:
    """Return the directories of all models that can be asked, and why others cannot."""
    known: dict[str, str] = {}
    models: dict[str, Path] = {}
    absent: list[str] = []
    for channel, source in dag.CANDIDATES.items():
        if source in found:
            try:
                inside.directory(found[source].uri)
                groups = candidates.find({channel: [found[source]]})
            except InputError as error:
                absent.append(f"What {source} holds cannot be asked: {error.problem}")
                continue
            known |= {name: str(path) for name, (_, path) in groups.items()}
    pushed = found.get("Pusher.pushed_model")
    if pushed is not None and pushed.properties.get("pushed") == 1:
        known[PUSHED] = str(pushed.properties.get("pushed_destination"))
    for name, path in known.items():
        try:
            directory = inside.directory(path)
            served.served_directory(directory)
        except InputError as error:
            absent.append(f"{name} cannot be asked: {error.problem}")
            continue
        models[name] = directory
    return models, absent


def _dataset(store: Store, run_id: str) -> dict[str, Any]:
    for execution in store.executions(run_id):
        dataset = execution.parameters.get("dataset")
        if execution.succeeded and isinstance(dataset, str):
            found: dict[str, Any] = json.loads(dataset)
            return found
    raise InputError(
        f"Run {run_id} does not say what its data are.",
        expected="a run of this project whose ExampleGen has come to its end",
    )


def _columns(model: Path) -> frozenset[str]:
    """Return the raw columns that a served directory takes."""
    if served.is_edge(model):
        model = model / _FEATURIZER
    try:
        return frozenset(json.loads((model / _ARGUMENTS).read_text()))
    except (OSError, ValueError):
        raise InputError(
            "The model does not say which columns it takes.", file=str(model / _ARGUMENTS)
        ) from None


def _statistics(artifact: Artifact | None, inside: Inside) -> str | None:
    if artifact is None:
        return None
    path = inside.directory(artifact.uri) / "Split-train" / "FeatureStats.pb"
    return str(inside.file(path)) if path.exists() else None


def _slices(config: Mapping[str, Any] | None, kinds: Mapping[str, str]) -> tuple[str, ...]:
    evaluator = (config or {}).get("evaluator") or {}
    single = [side[0] for side in evaluator.get("slices") or () if len(side) == 1]
    sensitive = (evaluator.get("fairness") or {}).get("columns") or ()
    return tuple(dict.fromkeys(name for name in (*sensitive, *single) if name in kinds))
