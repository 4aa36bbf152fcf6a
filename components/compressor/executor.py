"""Executor of Compressor."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pyarrow.parquet as pq
from tfx.utils import io_utils

from components import base, examples, files, progress
from components.compressor import card
from components.compressor.config import CompressorConfig
from components.errors import InputError
from components.settings import Settings

if TYPE_CHECKING:
    from components.compressor.recipes.base import Draft, Work
    from components.compressor.search import Found
    from components.compressor.workbench import Workbench

#: In the artifact ``candidates``: the table, and the report as a page for people.
TABLE_FILE, PAGE_FILE = "candidates.parquet", "compression.html"
#: In the artifact ``compressed_model``.
EXPORTS_DIRECTORY = "exports"
#: Rows of the eval split on which exports are compared with the model.
COMPARED_ROWS = 256
#: Recipes whose models the container makes small.
_FEW_VALUES = {"pruning", "pruning_2_4", "lottery_ticket", "deep_compression", "clustering"}


class Executor(base.Executor):
    """Train on the split ``train``; judge and choose by the split ``eval``."""

    CONFIG: ClassVar[type[Settings]] = CompressorConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: CompressorConfig
    ) -> None:
        from components.compressor import chains, eval_rows, report, search
        from components.compressor.recipes.base import Work
        from components.compressor.workbench import Workbench, check_source
        from components.models import edge, loading, measuring
        from components.models.featurizing import Featurizer
        from components.models.labelled import Layout
        from components.models.transformed import load_arrays

        [source], [raw], [graph], [model] = (
            inputs[name] for name in ("examples", "raw_examples", "transform_graph", "model")
        )
        [compressed], [candidates] = outputs["compressed_model"], outputs["candidates"]
        projection = base.optional(inputs, "projection")
        assert config.training is not None
        progress.report(0.0, "reading the model")
        if not loading.is_model(model.uri):
            raise InputError(
                "The model has no layers and weights to go on from.",
                file=model.uri,
                expected="a Model artifact of the Trainer or the Distiller",
            )
        loaded = loading.load(model.uri)
        features = loaded.features
        hp = check_source(loaded.specification)
        featurizer = Featurizer(graph.uri, projection.uri if projection else None)
        dataset = json.loads(self.properties["dataset"])
        rows = eval_rows.read(
            examples.read_records(examples.split_files(base.split_uri(raw, "eval"))),
            Layout(
                dataset["label"],
                dataset["task"],
                tuple(dataset["classes"]),
                config.slices,
                io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri)),
                "compressor.slices",
            ),
            featurizer,
            features,
            seed=config.seed,
            min_slice_size=config.min_slice_size,
        )
        directory = self.checkpoint_directory(inputs, compressed)
        train, validation = (
            load_arrays(base.split_uri(source, split), features) for split in ("train", "eval")
        )
        work = Work(features, train, validation, config.training, hp, config.recipes)
        bench = Workbench(loaded.model, work, rows, config, directory)
        space = chains.space(config)
        total = space.size() + 1
        found = search.run(
            space,
            bench.candidate,
            chains.title,
            config,
            lambda number, title: progress.report(number / total, title),
        )
        progress.report(1.0, "exporting the chosen one")
        chosen = found.candidates[found.chosen]
        edge.save(chosen.content, features, featurizer, compressed.uri)
        described = report.describe(
            found,
            bench.source,
            rows,
            config,
            name=Path(model.uri).parts[-3],
            containers=_container_sizes(found, bench),
            tensorflow_ms=measuring.model_latency_ms(loaded.model, rows.arrays),
            exports=_export(
                config,
                bench.draft(chosen.values),
                bench.work(chosen.values),
                rows,
                Path(compressed.uri) / EXPORTS_DIRECTORY,
                dataset,
            ),
        )
        written = Path(candidates.uri)
        files.write_json(written / card.REPORT_FILE, described)
        with files.atomic_path(written / TABLE_FILE) as path:
            pq.write_table(report.as_table(described), path)
        for index, candidate in enumerate(found.candidates):
            files.write_bytes(written / card.FILES.format(index), candidate.content)
        candidates.chosen, candidates.count = chosen.title, len(found.candidates)
        base.write_page(written / PAGE_FILE, lambda: card.page(written))
        base.note(candidates, report.lines(described))
        if not found.met:
            base.refuse(
                compressed,
                f"No candidate meets compressor.constraint. The nearest is {chosen.title}: "
                f"{'; '.join(described['nearest'])}.",
            )
        # Only now: until the outputs are published, a killed run goes on from it.
        shutil.rmtree(directory, ignore_errors=True)


def _container_sizes(found: Found, bench: Workbench) -> list[int | None]:
    """Return the size of each candidate in the container; None where it has no place there."""
    from components.compressor.deep_compression import container

    sizes: list[int | None] = []
    for candidate in found.candidates:
        recipes = set(str(candidate.values.get("chain", "")).split("+"))
        worth = recipes & _FEW_VALUES and "quantization_aware_training" not in recipes
        model = bench.draft(candidate.values).model if worth else None
        sizes.append(None if model is None else len(container.encode(model)))
    return sizes


def _export(
    config: CompressorConfig,
    draft: Draft,
    work: Work,
    rows: Any,
    directory: Path,
    dataset: dict[str, Any],
) -> list[dict[str, Any]]:
    """Write the chosen candidate in the other formats, and return what became of each."""
    if not config.exports:
        return []
    from components.compressor import conversion, exports
    from components.models.transformed import LABEL

    def convert(model: Any, sample: Any) -> bytes:
        arrays = {**sample, LABEL: work.train[LABEL][: len(next(iter(sample.values())))]}
        return conversion.convert(replace(draft, model=model), replace(work, train=arrays))

    label = dataset["label"]
    subject = exports.Subject(
        draft.model,
        work.features,
        {name: values[:COMPARED_ROWS] for name, values in rows.arrays.items()},
        convert,
        name=f"{label} model",
        description=f"Tells {label} from the other columns.",
    )
    told: list[dict[str, Any]] = []
    for name in config.exports:
        progress.report(1.0, f"exporting to {name}")
        result = exports.export(name, subject, directory)
        if isinstance(result, exports.Skipped):
            told.append({"format": name, "skipped": result.reason})
            continue
        told += [
            {
                "format": name,
                "title": each.title,
                "file": each.path.name,
                "bytes": each.bytes,
                "verified": each.verified,
            }
            for each in result
        ]
    return told
