"""How the user called the command line, to say what to type next."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Invocation:
    """How the user called, to say what to type next.

    Attributes
    ----------
    config : str
        Value of ``--config``.
    settings : tuple of str
        Values of ``--set``.
    """

    config: str
    settings: tuple[str, ...] = ()

    @property
    def program(self) -> list[str]:
        """The words that start this program."""
        if not sys.argv[0].endswith(".py"):
            return [sys.argv[0]]  # the installed command
        python = os.path.relpath(sys.executable)
        return [sys.executable if python.startswith("..") else python, sys.argv[0]]

    @property
    def place(self) -> list[str]:
        """The ``--set`` options that say where the runs are."""
        told = [item for item in self.settings if item.startswith(("root=", "store."))]
        return [word for item in told for word in ("--set", item)]

    def resume(self) -> str:
        """Return the command that goes on after a failure."""
        return shlex.join([*self.program, "resume", "--config", self.config, *self.place])

    def show(self, run: str, root: Path) -> str:
        """Return the command that shows a run."""
        where = ["--root", str(root)] if self.place else ["--config", self.config]
        return shlex.join([*self.program, "show", run, *where])
