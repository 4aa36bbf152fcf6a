"""What became of the blessed model, as a section for people."""

from __future__ import annotations

import json
import os
from pathlib import Path

from components.charts import escape
from components.page import framed

#: Of the artifact ``pushed_model``.
RECORD_FILE = "pushed.json"


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about a push, or about why there was none.

    Parameters
    ----------
    directory : path
        Of a PushedModel artifact.

    Raises
    ------
    OSError
        The record cannot be read.
    """
    found = json.loads((Path(directory) / RECORD_FILE).read_text(encoding="utf-8"))
    if not found["pushed"]:
        return framed([f"<p>{escape('Nothing was pushed: ' + found['reason'])}</p>"])
    name = f"The {found['candidate']} model" if found.get("candidate") else "The model"
    told = f"{name} was pushed to {found['destination']}."
    return framed([f"<p>{escape(told)}</p>"])
