"""Candidates: chains of recipes, applied to the source model and measured."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tf_keras

from components import files
from components.compressor import chains, conversion, figures
from components.compressor.config import CompressorConfig
from components.compressor.eval_rows import EvalRows
from components.compressor.figures import Figures, Source
from components.compressor.recipes.base import Draft, Hyper, Work
from components.compressor.recipes.table import RECIPES
from components.errors import InputError
from components.models import measuring
from components.strategies.search_space import Values

#: Of a candidate, in its directory.
_RECORD, _CONTENT = "candidate.json", "model.tflite"
#: The point without any recipe: the source model as a TF Lite file.
SOURCE: Values = {}


@dataclass(frozen=True)
class Candidate:
    """A point of the search, its file and its figures.

    Attributes
    ----------
    values : dict
        Of the search space; empty for the source model as it is.
    content : bytes
        The TF Lite file.
    figures : Figures
    seconds : float
        That it took to make.
    """

    values: Values
    content: bytes
    figures: Figures
    seconds: float

    @property
    def title(self) -> str:
        """Its name for people."""
        return chains.title(self.values) if self.values else "float32"


class Workbench:
    """Makes candidates; what two chains have in common is made once.

    Parameters
    ----------
    model : tf_keras.Model
        The source.
    work : Work
        What recipes work with; a point's settings take the place of its own.
    rows : EvalRows
        By which candidates are judged.
    config : CompressorConfig
    directory : Path
        Where candidates are kept, so that a search that was killed makes none again.
    """

    def __init__(
        self,
        model: tf_keras.Model,
        work: Work,
        rows: EvalRows,
        config: CompressorConfig,
        directory: Path,
    ) -> None:
        self._model = model
        self._work = work
        self.rows = rows
        self._config = config
        self._directory = directory
        self._drafts: dict[str, Draft] = {}
        scores = measuring.scores(measuring.outputs(model, rows.arrays), work.features.task)
        self.source = Source(rows.metric(scores), rows.by_slice(scores))

    def candidate(self, values: Values) -> Candidate:
        """Return the candidate of a point: from disk, if it was made before."""
        key = json.dumps(values, sort_keys=True)
        place = self._directory / hashlib.sha256(key.encode()).hexdigest()[:16]
        record = place / _RECORD
        if record.is_file():
            known = json.loads(record.read_text())
            return Candidate(
                values,
                (place / _CONTENT).read_bytes(),
                Figures(**known["figures"]),
                known["seconds"],
            )
        started = time.monotonic()
        content = conversion.convert(self.draft(values), self.work(values))
        found = Candidate(
            values,
            content,
            figures.measure(content, self.rows, self.source),
            time.monotonic() - started,
        )
        files.write_bytes(place / _CONTENT, content)
        # Last: what has no record was not finished.
        files.write_json(
            record,
            {"values": values, "figures": asdict(found.figures), "seconds": found.seconds},
        )
        return found

    def draft(self, values: Values) -> Draft:
        """Return the model of a point before it is written as a file."""
        draft = Draft(self._model)
        if not values:
            return draft
        work, used = self.work(values), {}
        for recipe in chains.recipes_of(values):
            used[recipe] = _settings(work, chains.sections([recipe]))
            key = json.dumps(used)
            if key not in self._drafts:
                self._drafts[key] = RECIPES[recipe].apply(draft, work)
            draft = self._drafts[key]
        return draft

    def work(self, values: Values) -> Work:
        """Return what the recipes of a point work with."""
        settings = self._config.recipes_with(chains.settings_of(values))
        return replace(self._work, config=settings)


def _settings(work: Work, sections: set[str]) -> dict[str, Any]:
    settings = work.config.model_dump(mode="json")
    return {section: settings[section] for section in sorted(sections)}


def check_source(specification: Any) -> Hyper:
    """Return the hyperparameters of a model that recipes can work on.

    Raises
    ------
    InputError
        The model is an ensemble, or of trees.
    """
    members = specification.members
    if len(members) > 1:
        raise InputError(
            f"The model is an ensemble of {len(members)} models.",
            setting="tuner.ensemble",
            expected="one network",
            remedy="Switch on the Distiller (distiller: {}), whose student is one, or set "
            "tuner.ensemble to 1.",
        )
    [member] = members
    if not hasattr(member.model, "batch_size"):
        raise InputError(
            "The model is made of trees, which have no weights to prune or quantize.",
            setting="trainer.model.architecture",
            expected="a network",
            got=member.model.architecture,
            remedy="Switch on the Distiller (distiller: {}), whose student is a network.",
        )
    hyper: Hyper = member.model
    return hyper
