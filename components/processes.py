"""What a process that works for another one owes to it."""

from __future__ import annotations

import contextlib
import ctypes
import signal
from pathlib import Path


def die_with_parent() -> None:
    """Ask Linux to kill this process if its parent ends, however it ends."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)


def be_killed_first() -> None:
    """Ask Linux to kill this process, and not its parent, if memory runs out."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
