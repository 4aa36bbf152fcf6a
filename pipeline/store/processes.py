"""Whether the process that worked on a run or a node is still there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

# A process's start, in seconds since the epoch, is the time of booting plus clock ticks;
# corrections of the clock move the first.
_START_TOLERANCE = 2.0


def has_ended(properties: Mapping[str, Any]) -> bool:
    """Whether `properties` name a process of this host that is no longer alive.

    Parameters
    ----------
    properties : mapping
        With ``mw_pid``, ``mw_host`` and ``mw_process_started`` (seconds since the
        epoch, by which another process with the same id is told apart). Without them,
        or for another host, nothing is known and the answer is False.
    """
    pid, started = properties.get("mw_pid"), properties.get("mw_process_started")
    if pid is None or started is None or properties.get("mw_host") != os.uname().nodename:
        return False
    import psutil  # only now: most stores have nothing that runs

    try:
        process = psutil.Process(pid)
        return (
            process.status() == psutil.STATUS_ZOMBIE
            or abs(process.create_time() - started) > _START_TOLERANCE
        )
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False
