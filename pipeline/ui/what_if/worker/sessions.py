"""The runs whose rows and models are held."""

from __future__ import annotations

import json
from collections import OrderedDict
from typing import Any

from pipeline.ui.what_if.materials import Materials
from pipeline.ui.what_if.worker.questions import QUESTIONS
from pipeline.ui.what_if.worker.session import Session


class Sessions:
    """Holds the sessions of the last runs that were asked for.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: OrderedDict[str, Session] = OrderedDict()

    def answer(
        self, question: str, materials: dict[str, Any], arguments: dict[str, Any]
    ) -> dict[str, Any]:
        """Return the answer to a question about a run.

        Parameters
        ----------
        question : str
            A name of `questions.QUESTIONS`.
        materials : dict
            What `Materials.to_json` returns.
        arguments : dict
            Those of the function.
        """
        return QUESTIONS[question](self._session(materials), **arguments)

    def _session(self, materials: dict[str, Any]) -> Session:
        key = json.dumps(materials, sort_keys=True)
        if key not in self._held:
            while len(self._held) >= self._most:
                self._held.popitem(last=False)
            self._held[key] = Session(Materials.from_json(materials))
        self._held.move_to_end(key)
        return self._held[key]
