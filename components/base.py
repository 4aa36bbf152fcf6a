"""What every component shares: its spec's hidden parameters and its executor's frame."""

from __future__ import annotations

import hashlib
import html
import json
import sys
import traceback
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
from tfx.types import artifact_utils
from tfx.types.artifact import Artifact
from tfx.types.channel import Channel
from tfx.types.component_spec import ComponentSpec, ExecutionParameter

from components import files
from components.fingerprint import code_fingerprint
from components.settings import Settings

Artifacts = dict[str, list[Artifact]]

#: Parameters of every component: its own settings as JSON, where its heavy passes
#: run ("memory" or "beam"), and a digest of the code that runs.
PARAMETERS = {
    "config": ExecutionParameter(type=str),
    "engine": ExecutionParameter(type=str),
    "code_fingerprint": ExecutionParameter(type=str),
}

#: Custom properties by which an output says that a gate refuses it, and whether the
#: nodes after it must not run.
REFUSED = "mw_refused"
REFUSED_STOPS = "mw_refused_stops"
#: Custom property that holds the metrics of the run, as JSON.
METRICS = "mw_metrics"
#: Custom property with what the run's summary says of an output, as lines of text.
NOTE = "mw_note"


class Component(BaseBeamComponent):
    """A component whose parameters are those of `PARAMETERS` and whose channels vary.

    Parameters
    ----------
    config : Settings
        The component's own settings.
    engine : {"memory", "beam"}
        Where passes over all the data run.
    **arguments
        Input channels by the names of the spec's `INPUTS`, and further parameters
        by the names of its `PARAMETERS`.
    """

    def __init__(self, config: Settings, engine: str = "memory", **arguments: Any) -> None:
        spec_class: type[ComponentSpec] = self.SPEC_CLASS

        outputs = {name: Channel(type=p.type) for name, p in spec_class.OUTPUTS.items()}
        spec = spec_class(
            config=config.model_dump_json(),
            engine=engine,
            code_fingerprint=code_fingerprint(config),
            **{name: value for name, value in arguments.items() if value is not None},
            **outputs,
        )
        super().__init__(spec)


class Executor(BaseBeamExecutor):
    """The frame of every executor: settings in, artifacts in, artifacts out."""

    CONFIG: ClassVar[type[Settings]]

    @abstractmethod
    def run(self, inputs: Artifacts, outputs: Artifacts, config: Any) -> None:
        """Read `inputs`, call the algorithms, write `outputs`."""

    def Do(  # noqa: N802 (the name is TFX's)
        self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]
    ) -> None:
        self.properties = exec_properties
        self.run(
            input_dict, output_dict, self.CONFIG.model_validate_json(exec_properties["config"])
        )

    @property
    def on_beam(self) -> bool:
        """Whether passes over all the data run on Beam."""
        return bool(self.properties["engine"] == "beam")

    def checkpoint_directory(self, inputs: Artifacts, output: Artifact) -> Path:
        """Return where to keep checkpoints: the same place for the same work.

        TFX's own working directory is new for each execution. This one is keyed by the
        settings and the content of the inputs, so that a later run finds what a killed
        one has left.

        Parameters
        ----------
        inputs : dict
            The component's inputs.
        output : Artifact
            Any of its outputs; tells where the pipeline's root is.
        """
        key = hashlib.sha256(json.dumps(self.properties, sort_keys=True).encode())
        for name in sorted(inputs):
            for artifact in inputs[name]:
                digest = artifact.get_string_custom_property("mw_manifest")
                key.update(f"{name}={digest or artifact.uri}\0".encode())
        *root, node, _, _ = Path(output.uri).parts
        return Path(*root).parent / "checkpoints" / node / key.hexdigest()[:16]

    def _make_beam_pipeline(self) -> beam.Pipeline:
        # Without arguments Beam may pick a runner that it first has to download;
        # with arguments, TFX packages itself, which only remote workers need.
        if self._beam_pipeline_args:
            return super()._make_beam_pipeline()
        return beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))


def optional(inputs: Artifacts, name: str) -> Artifact | None:
    """Return the artifact of an input that may be left out."""
    return next(iter(inputs.get(name, ())), None)


def split_uri(artifact: Artifact, split: str) -> str:
    """Return the directory of one split of an Examples-like artifact."""
    return str(Path(artifact.uri) / f"Split-{split}")


def split_names(artifact: Artifact) -> list[str]:
    """Return the names of an artifact's splits."""

    return list(artifact_utils.decode_split_names(artifact.split_names))


def report_metrics(artifact: Artifact, metrics: Mapping[str, float]) -> None:
    """Record on an output the metrics that the run as a whole reports."""
    artifact.set_string_custom_property(METRICS, json.dumps(dict(metrics)))


def note(artifact: Artifact, text: str) -> None:
    """Record on an output what the run as a whole tells the user of it."""
    artifact.set_string_custom_property(NOTE, text)


def write_page(path: Path, draw: Callable[[], str]) -> None:
    """Write a page for people; what goes wrong in drawing it is said there and fails nothing."""
    try:
        page = draw()
    except Exception:
        trace = traceback.format_exc()
        print(trace, file=sys.stderr)
        page = f"<!doctype html><title>{path.stem}</title><pre>{html.escape(trace)}"
    files.write_bytes(path, page.encode())


def refuse(artifact: Artifact, reason: str, *, stop: bool = False) -> None:
    """Record on an output that a gate refuses it; the run then ends with exit code 3.

    Parameters
    ----------
    artifact : Artifact
        Output that carries the verdict.
    reason : str
        One sentence with the finding and the bound.
    stop : bool
        Whether the nodes that come after must not run.
    """
    artifact.set_string_custom_property(REFUSED, reason)
    artifact.set_int_custom_property(REFUSED_STOPS, int(stop))


def refusal(artifact: Artifact) -> str | None:
    """Return why a gate refused an artifact, or None."""
    return artifact.get_string_custom_property(REFUSED) or None
