"""The process that holds the models, as seen from the page: ask, and wait for the answer."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Late
from typing import Any

from components.errors import InputError, ModelworksError
from pipeline.ui.what_if.materials import Materials

#: Seconds that an answer may take; starting TensorFlow and reading rows are part of the first.
PATIENCE = 120.0
WORKER = "pipeline.ui.what_if.worker"


class ModelsError(ModelworksError):
    """The process that holds the models failed or died; the next question starts it anew."""


class Models:
    """Asks the models of runs, in a process that starts with the first question.

    May be used by any number of threads; the process answers one question at a time. A model that
    crashes takes that process with it, and not the caller.

    Parameters
    ----------
    patience : float
        Seconds after which a question is given up, and the process ended.
    module : str
        What the process runs; see `pipeline.ui.what_if.worker.__main__`.
    """

    def __init__(self, patience: float = PATIENCE, module: str = WORKER) -> None:
        self._patience, self._module = patience, module
        self._lock = threading.Lock()
        self._process: _Process | None = None

    def ask(self, question: str, materials: Materials, **arguments: Any) -> dict[str, Any]:
        """Return the answer to a question.

        Parameters
        ----------
        question : str
            A name of `pipeline.ui.what_if.worker.questions.QUESTIONS`.
        materials : Materials
        **arguments
            JSON: those of the question's function, checked before.

        Raises
        ------
        InputError
            The question cannot be answered as it is.
        ModelsError
            A model failed, or the process did.
        """
        with self._lock:
            if self._process is None or not self._process.alive:
                self._process = _Process(self._module)
            process = self._process
        answer = process.send(
            {"question": question, "materials": materials.to_json(), "arguments": arguments}
        )
        try:
            return answer.result(self._patience)
        except Late:
            process.end()
            raise ModelsError(
                f"The models gave no answer in {self._patience:.0f} s and were let go. "
                "The next question loads them anew."
            ) from None

    @property
    def state(self) -> dict[str, Any]:
        """What the process is at: ``running``, ``waiting`` (questions), ``fraction``, ``text``."""
        process = self._process
        if process is None or not process.alive:
            return {"running": False, "waiting": 0, "fraction": 0.0, "text": "not started"}
        return {"running": True, "waiting": process.waiting, **process.progress}

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._process is not None:
                self._process.end()
                self._process = None


class _Process:
    """One process, its questions that wait, and what it said last."""

    def __init__(self, module: str) -> None:
        self.progress: dict[str, Any] = {"fraction": 0.0, "text": "starting"}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        read, write = os.pipe()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", module, str(write)],
            stdin=subprocess.PIPE,
            stdout=2,  # what libraries print belongs with the errors
            pass_fds=(write,),
            env={"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ},
        )
        os.close(write)
        self.alive = True
        threading.Thread(target=self._listen, args=(read,), daemon=True).start()

    @property
    def waiting(self) -> int:
        """Questions without an answer yet."""
        return len(self._answers)

    def send(self, asked: dict[str, Any]) -> Future[dict[str, Any]]:
        """Send a question; return its answer to be."""
        answer: Future[dict[str, Any]] = Future()
        line = json.dumps(asked, allow_nan=False)
        with self._lock:
            number = next(self._numbers)
            self._answers[number] = answer
            if not self.alive:
                self._fail_all()
                return answer
            # If it is gone, its events end, and that tells so.
            with contextlib.suppress(BrokenPipeError, ValueError):
                assert self._popen.stdin is not None
                self._popen.stdin.write(f'{{"id":{number},{line[1:]}\n'.encode())
                self._popen.stdin.flush()
        return answer

    def end(self) -> None:
        """End the process; whoever waits for it is told."""
        self._popen.kill()
        self._popen.wait()

    def _listen(self, read: int) -> None:
        with os.fdopen(read, encoding="utf-8") as events:
            for line in events:
                self._hear(json.loads(line))
        self._popen.wait()
        if self._popen.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()
        with self._lock:
            self.alive = False
            self._fail_all()

    def _hear(self, event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            self.progress = {"fraction": event["fraction"], "text": event["text"]}
            return
        with self._lock:
            answer = self._answers.pop(event["id"])
        if event["event"] == "answer":
            answer.set_result(event["answer"])
        elif event["event"] == "refused":
            error = InputError(event["problem"])
            error.details = event["details"]
            answer.set_exception(error)
        else:
            answer.set_exception(ModelsError(event["error"]))

    def _fail_all(self) -> None:
        for answer in self._answers.values():
            answer.set_exception(
                ModelsError(
                    f"The process that holds the models has ended (exit code "
                    f"{self._popen.returncode}). The next question starts it anew."
                )
            )
        self._answers.clear()
