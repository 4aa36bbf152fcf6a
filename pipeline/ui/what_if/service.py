"""What the page's addresses answer, whatever serves them."""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from components.errors import InputError
from components.example_gen import image_header
from pipeline.store import Store
from pipeline.ui.what_if import fields, materials, page, requests
from pipeline.ui.what_if.fields import Field
from pipeline.ui.what_if.materials import Materials
from pipeline.ui.what_if.models import Models

#: Seconds for which it is not looked up anew what a run holds.
FRESH = 10.0
#: Runs to choose from, the newest.
MOST_RUNS = 50
_PNG = b"\x89PNG"


class WhatIf:
    """Answers about the runs of one pipeline.

    Parameters
    ----------
    reading : callable
        Returns a context in which the metadata store may be used.
    root : path
        The pipeline's root.
    models : Models, optional
        By default of its own.
    """

    def __init__(
        self,
        reading: Callable[[], AbstractContextManager[Store]],
        root: str | os.PathLike[str],
        models: Models | None = None,
    ) -> None:
        self._reading, self._root = reading, root
        self._models = models or Models()
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Materials, tuple[Field, ...]]] = {}

    def newest(self) -> str:
        """Return the newest run whose models can be asked.

        Raises
        ------
        InputError
            There is none.
        """
        for run in self._runs():
            try:
                self._of(run)
            except InputError:
                continue
            return run
        raise InputError(
            "No run has a model that can be asked yet.",
            expected=f"a model in one of the newest {MOST_RUNS} runs",
            remedy="Run the pipeline, at least up to its Trainer.",
        )

    def page(self, run: str, paths: Mapping[str, str], row: int = 0) -> dict[str, Any]:
        """Return the variables of the page's template; see `page.context`.

        Parameters
        ----------
        run : str
        paths : mapping of str to str
        row : int
            Of the split, with which the page begins.

        Raises
        ------
        InputError
            There is no such run, or it has no model that can be asked.
        """
        found, given = self._of(run)
        values = page.context(found, given, paths)
        values["page"]["row"] = row
        runs = self._runs()
        values["runs"] = runs if found.run in runs else [found.run, *runs]
        return values

    def ask(self, run: str, question: str, body: bytes) -> dict[str, Any]:
        """Return the answer to a question, as JSON.

        Parameters
        ----------
        run, question : str
            Of the address.
        body : bytes
            JSON that a browser sent.

        Raises
        ------
        InputError
            The question is not as it must be.
        ModelsError
            A model failed, or the process that holds them did.
        """
        if len(body) > requests.MOST_BYTES:
            raise InputError(
                "The question is too long.",
                expected=f"at most {requests.MOST_BYTES:,} bytes",
                got=f"{len(body):,} bytes",
            )
        try:
            read = json.loads(body)
        except (ValueError, RecursionError):
            raise InputError("The question cannot be read.", expected="JSON") from None
        found, given = self._of(run)
        return self._models.ask(question, found, **requests.checked(question, read, found, given))

    def image(self, run: str, row: int) -> tuple[bytes, str]:
        """Return the file of an image, and its media type.

        Raises
        ------
        InputError
            There is no such row, or it is no image.
        """
        found, _ = self._of(run)
        asked = self._models.ask("image", found, row=row)
        data = base64.b64decode(asked["file"])
        if not image_header.is_image(data):
            raise InputError("The row holds neither a PNG nor a JPEG file.")
        return data, "image/png" if data.startswith(_PNG) else "image/jpeg"

    @property
    def state(self) -> dict[str, Any]:
        """What the models are at; see `Models.state`."""
        return self._models.state

    def close(self) -> None:
        """Let the models go."""
        self._models.close()

    def _runs(self) -> list[str]:
        """Return the newest runs, the newest first."""
        with self._reading() as store:
            return [run.id for run in store.runs(limit=MOST_RUNS)]

    def _of(self, run: str) -> tuple[Materials, tuple[Field, ...]]:
        """Return what a run holds, and its fields."""
        now = time.monotonic()
        with self._lock:
            if run not in self._known or now - self._known[run][0] > FRESH:
                with self._reading() as store:
                    found = materials.find(store, self._root, run)
                self._known = {run: (now, found, fields.of(found))}
            return self._known[run][1:]
