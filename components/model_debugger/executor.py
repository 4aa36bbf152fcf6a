"""Executor of ModelDebugger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from tfx.utils import io_utils

from components import base, files, progress
from components.model_debugger import card
from components.model_debugger.config import ModelDebuggerConfig
from components.settings import Settings

#: The report as a page for people, in the artifact ``analysis``.
PAGE_FILE = "model_debugging.html"
TRAIN, EVAL = "train", "eval"


class Executor(base.Executor):
    """Look into a model on one split; train benchmark models on ``train``."""

    CONFIG: ClassVar[type[Settings]] = ModelDebuggerConfig

    def run(
        self, inputs: base.Artifacts, outputs: base.Artifacts, config: ModelDebuggerConfig
    ) -> None:
        from components.deadline import Deadline
        from components.models import export
        from components.models.reading import Source
        from components.models.transformed import load_arrays

        [transformed], [raw], [graph], [model] = (
            inputs[name] for name in ("examples", "raw_examples", "transform_graph", "model")
        )
        [analysis], [benchmark] = outputs["analysis"], outputs["benchmark_models"]
        projection = base.optional(inputs, "projection")
        projection_uri = projection.uri if projection else None
        progress.report(0.0, "reading the model and its rows")
        source = Source(
            raw.uri,
            io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(inputs["schema"][0].uri)),
            json.loads(self.properties["dataset"]),
            graph.uri,
            projection_uri,
            model.uri,
        )
        subject = source.subject(config.split, config.max_rows, config.seed)

        def save(name: str, fitted: Any) -> None:
            export.save_served(
                fitted,
                source.features,
                graph.uri,
                Path(benchmark.uri) / name,
                projection=projection_uri,
            )

        def benchmark_models(settings: Any, deadline: Deadline) -> dict[str, Any]:
            from components.model_debugger.benchmark_models import section
            from components.models import vocabularies

            train, validation = (
                load_arrays(base.split_uri(transformed, split), source.features)
                for split in (TRAIN, EVAL)
            )
            return section.describe(
                train,
                validation,
                source.features,
                settings,
                config.seed,
                deadline,
                save,
                source.model,
                vocabularies.read(graph.uri, source.features),
            )

        def residuals(settings: Any, deadline: Deadline) -> dict[str, Any]:
            from components.model_debugger.residuals import section

            return section.describe(subject, settings, deadline)

        def sensitivity(settings: Any, deadline: Deadline) -> dict[str, Any]:
            from components.model_debugger.sensitivity import section

            return section.describe(subject, settings, deadline)

        def adversarial(settings: Any, deadline: Deadline) -> dict[str, Any]:
            from components.model_debugger.adversarial import section

            return section.describe(subject, settings, deadline)

        def privacy(settings: Any, deadline: Deadline) -> dict[str, Any]:
            from components.model_debugger.privacy import section

            train = source.subject(TRAIN, config.max_rows, config.seed)
            return section.describe(subject, train, settings, deadline)

        sections: dict[str, Callable[[Any, Deadline], dict[str, Any]]] = {
            function.__name__: function
            for function in (benchmark_models, residuals, sensitivity, adversarial, privacy)
        }
        on = [name for name in sections if getattr(config, name) is not None]
        Path(benchmark.uri).mkdir(parents=True, exist_ok=True)
        described: dict[str, Any] = {"split": config.split, "rows": len(subject), "sections": {}}
        for index, name in enumerate(on):
            deadline = Deadline(
                config.seconds,
                start=index / len(on),
                share=1 / len(on),
                title=card.TITLES[name].lower(),
            )
            described["sections"][name] = sections[name](getattr(config, name), deadline)
        benchmark.count = sum(path.is_dir() for path in Path(benchmark.uri).iterdir())
        files.write_json(Path(analysis.uri) / card.REPORT_FILE, described)
        base.write_page(Path(analysis.uri) / PAGE_FILE, lambda: card.page(analysis.uri))
        base.note(analysis, card.lines(described))
