"""Executor of DimensionalityReducer."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

from components import base, files, progress
from components.dimensionality_reducer.config import ReducerConfig
from components.models.transformed import Features
from components.settings import Settings

#: The split whose rows decide the projection, and the one that it is described by.
TRAIN_SPLIT, EVAL_SPLIT = "train", "eval"
#: The reduction as a page for people, beside the projection.
PAGE_FILE = "reduction.html"


class Executor(base.Executor):
    """Fit to the train split, reduce every split."""

    CONFIG: ClassVar[type[Settings]] = ReducerConfig

    def run(self, inputs: base.Artifacts, outputs: base.Artifacts, config: ReducerConfig) -> None:
        # Late, for whoever only builds the DAG: scikit-learn takes seconds to import.
        from components.dimensionality_reducer import assembly, card, fitting, reduction, report
        from components.dimensionality_reducer.columns import Columns, Shard

        [source], [graph] = inputs["examples"], inputs["transform_graph"]
        [target], [result] = outputs["projection"], outputs["reduced_examples"]
        features = Features.read(graph.uri)
        make_pipeline = self._make_beam_pipeline if self.on_beam else None

        def shards(split: str) -> list[Shard]:
            return reduction.shards(base.split_uri(source, split), features)

        if config.method == "none":
            projection, reduced = assembly.identity(features), features
            described = report.nothing(len(features.numeric), config)
        else:
            columns = Columns.of(features.as_table(), config.categorical)
            fit = fitting.fit(shards(TRAIN_SPLIT), columns, config, make_pipeline)
            projection = assembly.projection_of(fit, columns, features, config)
            reduced = assembly.reduced(features, fit, columns)
            progress.report(0.7, "describing the projection")
            described = report.describe(
                fit, columns, config, projection, shards(EVAL_SPLIT), make_pipeline
            )
            if features.image is not None:
                described |= report.of_images(fit, features.image)
        projection.write(target.uri)
        reduced.write(target.uri)
        files.write_json(Path(target.uri) / report.REPORT_FILE, described)
        base.write_page(Path(target.uri) / PAGE_FILE, lambda: card.page(target.uri))
        target.method = described["method"]
        target.components = projection.description.components
        target.input_width = described["input_width"]
        base.note(target, _note(described, features, projection.description.components))

        result.split_names = source.split_names
        result.span = source.span
        splits = base.split_names(source)
        if config.method == "none":
            for split in splits:
                shutil.copytree(base.split_uri(source, split), base.split_uri(result, split))
        elif make_pipeline is not None:
            progress.report(0.8, "reducing all splits")
            reduction.write_on_beam(
                target.uri,
                {base.split_uri(result, split): shards(split) for split in splits},
                make_pipeline,
            )
        else:
            for number, split in enumerate(splits):
                progress.report(0.8 + 0.2 * number / len(splits), f"reducing {split}")
                reduction.write(target.uri, shards(split), base.split_uri(result, split))


def _note(described: dict[str, Any], features: Features, components: int) -> str:
    """Return what the run's summary says."""
    width = described["input_width"]
    if described["method"] == "none":
        what = "images" if features.image and not width else f"{width} numeric features"
        return f"{what}, not reduced"
    lost = described["reconstruction"]["overall"]
    kept = "" if lost is None else f", which lose {lost:.1%} of their variance"
    return f"{described['method']}: {components} components of {width} columns{kept}"
