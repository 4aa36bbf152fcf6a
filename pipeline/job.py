"""A job: what the command line asks of the process that runs the DAG, and its events."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from components.example_gen.dataset import DatasetSpec
from components.settings import Settings
from pipeline.config import PipelineConfig

#: The working process writes one JSON object a line; the key "event" names its kind:
#: "plan" (nodes), "node" (node, state, execution, seconds, ...), "progress"
#: (fraction, text), "notice" (text), "error" (an error's description), "end" (state).
Event = dict[str, Any]


class Job(Settings):
    """One run of the DAG or of a part of it.

    Attributes
    ----------
    run_id : str
    command : str
        What the user typed.
    config, dataset
        What to run, on which data.
    forced : tuple of str
        Nodes that execute even if the cache holds their outputs.
    only : tuple of str
        Nodes that run; the others' outputs are taken from the run `base`. Empty
        means all nodes.
    base : str or None
        Run whose outputs are reused, or the run that this one resumes.
    attempts : dict
        Attempts already made, by node.
    """

    run_id: str
    command: str
    config: PipelineConfig
    dataset: DatasetSpec
    forced: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    base: str | None = None
    attempts: dict[str, int] = Field(default={})

    def dump(self) -> str:
        """Return the job as JSON, which `Job.model_validate_json` reads."""
        return self.model_dump_json(by_alias=True)
