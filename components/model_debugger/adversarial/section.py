"""How easily the model is fooled: attacks on its images, or on its raw columns."""

from __future__ import annotations

from typing import Any

from components.deadline import Deadline
from components.model_debugger.adversarial import of_images, of_tables
from components.model_debugger.adversarial.config import AdversarialConfig, check
from components.models.subject import Subject


def describe(subject: Subject, config: AdversarialConfig, deadline: Deadline) -> dict[str, Any]:
    """Return what attacks found.

    Parameters
    ----------
    subject : Subject
    config : AdversarialConfig
    deadline : Deadline

    Returns
    -------
    dict
        ``kind`` ("images", "tables" or "none"), ``notes``, and what
        `components.model_debugger.adversarial.of_images` or ``of_tables`` say.

    Raises
    ------
    InputError
        A setting does not suit the columns.
    """
    check(config, subject.columns)
    if subject.predict is not None:
        return {"kind": "tables", **of_tables.describe(subject, config.tables, deadline)}
    if subject.task == "regression":
        note = "Attacks on images turn classes; a regression has none: nothing was attacked."
        return {"kind": "none", "notes": [note]}
    return {"kind": "images", **of_images.describe(subject, config.images, deadline)}
