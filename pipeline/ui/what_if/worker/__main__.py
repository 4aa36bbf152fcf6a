"""``python -m pipeline.ui.what_if.worker FD``: answers questions until standard input ends.

A question is a line of JSON: ``id``, ``question`` (a name of `questions.QUESTIONS`),
``materials`` and ``arguments``. Events are lines of JSON on the file descriptor FD:
``{"event": "progress", "fraction", "text"}``, and for each question ``{"event": "answer", "id",
"answer"}`` or ``{"event": "refused", "id", "problem", "details"}`` or ``{"event": "failed", "id",
"error"}``.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from typing import Any

from components import progress
from components.errors import InputError
from components.processes import be_killed_first

#: Runs whose rows and models are held at once; of more, the one asked longest ago is let go.
MOST_SESSIONS = 2
#: Questions that go before others that wait: those that follow a person's typing.
_QUICK = ("predictions", "example", "rows")


def main() -> None:
    """Answer questions, the quick ones first, one at a time."""
    be_killed_first()
    events = os.fdopen(int(sys.argv[1]), "w", buffering=1)

    def emit(event: dict[str, Any]) -> None:
        events.write(json.dumps(event, allow_nan=False) + "\n")

    progress.listen(
        lambda fraction, text: emit({"event": "progress", "fraction": fraction, "text": text})
    )
    waiting: queue.PriorityQueue[tuple[int, int, dict[str, Any]]] = queue.PriorityQueue()
    threading.Thread(target=_read, args=(waiting,), daemon=True).start()
    progress.report(0.1, "starting TensorFlow")
    from pipeline.ui.what_if.worker.sessions import Sessions

    sessions = Sessions(MOST_SESSIONS)
    while True:
        _, _, asked = waiting.get()
        try:
            emit(
                {
                    "event": "answer",
                    "id": asked["id"],
                    "answer": sessions.answer(
                        asked["question"], asked["materials"], asked["arguments"]
                    ),
                }
            )
        except InputError as error:
            details = {key: str(value) for key, value in error.details.items()}
            emit(
                {
                    "event": "refused",
                    "id": asked["id"],
                    "problem": error.problem,
                    "details": details,
                }
            )
        except Exception as error:
            traceback.print_exc()
            brief = f"{type(error).__name__}: {error}".splitlines()[0][:500]
            emit({"event": "failed", "id": asked["id"], "error": brief})


def _read(waiting: queue.PriorityQueue[tuple[int, int, dict[str, Any]]]) -> None:
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        waiting.put((0 if asked["question"] in _QUICK else 1, number, asked))
    # Whoever asked is gone; a computation that still runs has no reader.
    os._exit(0)


if __name__ == "__main__":
    main()
