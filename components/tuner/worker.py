"""A process that runs trials: ``python -m components.tuner.worker FD``.

Its first line of standard input names the function that makes the runner, every further one is a
job or an answer. It writes events as JSON lines to the file descriptor `FD`.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from components import dotted
from components.errors import InputError
from components.processes import be_killed_first, die_with_parent
from components.tuner.trials import TrialError


def main() -> None:
    """Run jobs until standard input ends."""
    die_with_parent()
    be_killed_first()
    events = os.fdopen(int(sys.argv[1]), "w", buffering=1)

    def emit(**event: Any) -> None:
        events.write(json.dumps(event) + "\n")

    setup = json.loads(sys.stdin.readline())
    run = dotted.resolve(setup["runner"], setting="runner")(setup["arguments"])
    while line := sys.stdin.readline():
        job = json.loads(line)

        def report(job_id: str = job["id"], **said: Any) -> bool:
            emit(event="epoch", id=job_id, **said)
            return bool(json.loads(sys.stdin.readline())["stop"])

        try:
            emit(event="done", id=job["id"], result=run(job, report))
        except TrialError as error:
            emit(event="failed", id=job["id"], state=error.state, error=str(error))
        except InputError as error:
            found = {"problem": error.problem, "details": error.details}
            emit(event="failed", id=job["id"], state="crashed", input_error=found)
        except Exception as error:
            traceback.print_exc()
            # TensorFlow's own error need not be imported here to be known.
            short = (
                isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"
            )
            emit(
                event="failed",
                id=job["id"],
                state="out_of_memory" if short else "crashed",
                error=f"{type(error).__name__}: {error}"[:500],
            )


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
