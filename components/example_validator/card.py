"""What was found of a data set against its schema, as a section for people."""

from __future__ import annotations

import json
import os
from pathlib import Path

from components.charts import escape, plain
from components.page import Column, Row, count, framed, table

#: Of the artifact ``anomalies``.
REPORT_FILE = "anomalies.json"


def section(directory: str | os.PathLike[str]) -> str:
    """Return an HTML fragment about the anomalies of each split.

    Parameters
    ----------
    directory : path
        Of an ExampleAnomalies artifact.

    Raises
    ------
    OSError
        The findings cannot be read.
    """
    found = json.loads((Path(directory) / REPORT_FILE).read_text(encoding="utf-8"))
    rows = [
        Row([plain(split), plain(each.get("feature") or each.get("column") or ""), _told(each)])
        for split, anomalies in found.items()
        for each in anomalies
    ]
    if not rows:
        told = f"No anomaly in {count(len(found), 'split')}."
        return framed([f"<p>{escape(told)}</p>"])
    columns = [Column("split"), Column("column", "name"), Column("what was found", "wide")]
    return framed([table("Anomalies", f"{count(len(rows), 'finding')}.", columns, rows)])


def _told(anomaly: dict[str, str]) -> str:
    texts = [str(value) for key, value in anomaly.items() if key not in ("feature", "column")]
    return plain(" ".join(texts))
