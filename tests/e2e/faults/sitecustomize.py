"""Makes one node misbehave: put this directory on PYTHONPATH and name the fault.

``FAULT=kind:Node`` with the kinds

- ``kill``: SIGKILL to its own process, when the node has written its outputs;
- ``kill-midway``: SIGKILL as soon as the node reports that half of its work is done;
- ``raise``: an exception;
- ``raise-once``: an exception, the first time; needs ``FAULT_MARK``, a path;
- ``hang``: sleep for ever, with a child process that does the same;
- ``hang-once``: the same, the first time.

The product knows nothing of this: the fault is put around the executor when
`components.base` is imported.
"""

import importlib.abc
import importlib.machinery
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def _first_time():
    mark = Path(os.environ["FAULT_MARK"])
    if mark.exists():
        return False
    mark.touch()
    return True


def _hang():
    child = subprocess.Popen(["sleep", "1000"])
    Path(os.environ["FAULT_MARK"] + ".child").write_text(str(child.pid))
    time.sleep(1000)


def _kill_midway():
    from components import progress

    def report(fraction, text):
        if fraction >= 0.5:
            os.kill(os.getpid(), signal.SIGKILL)

    progress.report = report


def _wrap(do, kind, node):
    def run(self, inputs, outputs, properties):
        if self._context.pipeline_node.node_info.id != node:
            return do(self, inputs, outputs, properties)
        if kind == "raise" or (kind == "raise-once" and _first_time()):
            raise RuntimeError("the fault of this test")
        if kind == "hang" or (kind == "hang-once" and _first_time()):
            _hang()
        if kind == "kill-midway":
            _kill_midway()
        result = do(self, inputs, outputs, properties)
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return run


def _apply(module):
    kind, node = os.environ["FAULT"].split(":")
    module.Executor.Do = _wrap(module.Executor.Do, kind, node)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name != "components.base":
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _apply(module)

        spec.loader.exec_module = exec_module
        return spec


def put_in_place():
    """Apply the fault to `components.base`, now or when it is imported."""
    if "components.base" in sys.modules:
        _apply(sys.modules["components.base"])
    else:
        sys.meta_path.insert(0, _Finder())


if "FAULT" in os.environ:
    put_in_place()
