"""The contexts by which TFX groups executions: pipelines, their runs, their nodes."""

from __future__ import annotations

from components.errors import InputError
from components.naming import nearest
from pipeline.store.connection import Connection
from pipeline.store.mlmd import ListOptions, metadata_store_pb2

#: TFX's types of contexts.
PIPELINE, RUN, NODE = "pipeline", "pipeline_run", "node"
#: Stands for the newest run.
LATEST = "latest"

# Milliseconds by which what was written earlier may become visible later: a transaction that
# took long, or the clock of another host.
_MARGIN = 600_000
# How many valid names an error lists.
_LISTED = 12


class Contexts:
    """The contexts in a store.

    Parameters
    ----------
    mlmd : Connection
    pipeline : str or None
        Name of the pipeline whose contexts count; None for all.
    """

    def __init__(self, mlmd: Connection, pipeline: str | None) -> None:
        self._mlmd = mlmd
        self._pipeline = pipeline
        self._known: dict[int, tuple[metadata_store_pb2.Context, str | None]] = {}

    def runs(self) -> list[tuple[metadata_store_pb2.Context, str | None]]:
        """Return the contexts of runs, the newest first, with their pipelines' names.

        All are read once; after that those alone that have been written since.
        """
        changed = self._read_changed() if self._known else self._read_all()
        self._known.update(changed)
        return sorted(self._known.values(), key=lambda item: _age(item[0]), reverse=True)

    def _read_all(self) -> dict[int, tuple[metadata_store_pb2.Context, str | None]]:
        found: dict[int, tuple[metadata_store_pb2.Context, str | None]] = {}
        if self._pipeline is None:
            for context in self._mlmd.get_contexts_by_type(RUN):
                found[context.id] = (context, None)
        for pipeline in self.pipelines():
            for context in self._mlmd.get_children_contexts_by_context(pipeline.id):
                if context.type == RUN:
                    found[context.id] = (context, pipeline.name)
        return found

    def _read_changed(self) -> dict[int, tuple[metadata_store_pb2.Context, str | None]]:
        newest = max(item.last_update_time_since_epoch for item, _ in self._known.values())
        options = ListOptions(
            filter_query=f"type = '{RUN}' AND last_update_time_since_epoch >= {newest - _MARGIN}"
        )
        found: dict[int, tuple[metadata_store_pb2.Context, str | None]] = {}
        for context in self._mlmd.get_contexts(options):
            # A run is tied to its pipeline after it is first written, and never again.
            _, pipeline = self._known.get(context.id, (None, None))
            pipeline = pipeline or self._pipeline_of(context)
            if self._pipeline in (None, pipeline):
                found[context.id] = (context, pipeline)
        return found

    def pipelines(self) -> list[metadata_store_pb2.Context]:
        """Return the contexts of the pipelines."""
        if self._pipeline is None:
            return list(self._mlmd.get_contexts_by_type(PIPELINE))
        context = self._mlmd.get_context_by_type_and_name(PIPELINE, self._pipeline)
        return [context] if context is not None else []

    def run(self, run_id: str) -> metadata_store_pb2.Context | None:
        """Return the context of the run of exactly this id."""
        return self._mlmd.get_context_by_type_and_name(RUN, run_id)

    def find_run(self, run_id: str) -> tuple[metadata_store_pb2.Context, str | None]:
        """Return the context of a run and its pipeline's name; see `Store.run`."""
        # SQLite's texts end at a NUL: what follows it would not be looked at.
        exact = self.run(run_id) if run_id.isprintable() else None
        if exact is not None:
            pipeline = self._pipeline_of(exact)
            if self._pipeline in (None, pipeline):
                return exact, pipeline
        contexts = self.runs()
        if run_id == LATEST and contexts:
            return contexts[0]
        matching = [item for item in contexts if run_id and item[0].name.startswith(run_id)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            names = [context.name for context, _ in matching]
            raise InputError(
                f"{len(names)} runs begin with {run_id!r}.",
                expected=listed(names),
                remedy="give more of the run's id",
            )
        raise self.unknown_run(run_id)

    def unknown_run(self, run_id: str) -> InputError:
        """Return the error that says which runs there are."""
        names = [context.name for context, _ in self.runs()]
        if not names:
            return InputError("The store holds no run yet.", got=run_id, remedy="use run")
        return InputError(
            f"There is no run {run_id!r}{nearest(run_id, names)}.",
            expected=f"{LATEST}, or {listed(names)}",
        )

    def _pipeline_of(self, context: metadata_store_pb2.Context) -> str | None:
        parents = self._mlmd.get_parent_contexts_by_context(context.id)
        return next((parent.name for parent in parents if parent.type == PIPELINE), None)

    def nodes(self) -> list[metadata_store_pb2.Context]:
        """Return the contexts of the nodes; their names are ``pipeline.node``."""
        contexts = self._mlmd.get_contexts_by_type(NODE)
        if self._pipeline is None:
            return list(contexts)
        return [c for c in contexts if c.name.rpartition(".")[0] == self._pipeline]


def _age(context: metadata_store_pb2.Context) -> tuple[float, int]:
    # Not by the key alone, which would add an empty property.
    if "mw_started" in context.custom_properties:
        return context.custom_properties["mw_started"].double_value, context.id
    return context.create_time_since_epoch / 1000, context.id


def listed(names: list[str]) -> str:
    """Return names in one line, the first ones if they are many."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more
