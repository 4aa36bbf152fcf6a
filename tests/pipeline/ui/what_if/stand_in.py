"""A process that answers as that of the models does, but holds none: ``python -m ... FD``."""

import json
import os
import sys
import time


def main() -> None:
    """Do what each question's name says."""
    events = os.fdopen(int(sys.argv[1]), "w", buffering=1)

    def emit(**event):
        events.write(json.dumps(event) + "\n")

    emit(event="progress", fraction=0.5, text="half way")
    for line in sys.stdin:
        asked = json.loads(line)
        name, number = asked["question"], asked["id"]
        if name == "die":
            os._exit(7)
        if name == "sleep":
            time.sleep(asked["arguments"]["seconds"])
        if name == "refuse":
            emit(event="refused", id=number, problem="No.", details={"expected": "yes"})
        elif name == "fail":
            emit(event="failed", id=number, error="ValueError: odd")
        else:
            answer = {"pid": os.getpid(), "run": asked["materials"]["run"], **asked["arguments"]}
            emit(event="answer", id=number, answer=answer)


if __name__ == "__main__":
    main()
