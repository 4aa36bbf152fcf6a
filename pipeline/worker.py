"""The process that runs the DAG: ``python -m pipeline.worker``, started by the supervisor.

It reads one job as JSON from its standard input, writes events as JSON lines to the
file descriptor given as its first argument, and prints everything else to a log.
"""

from __future__ import annotations

import json
import os
import sys
import traceback

from components.processes import die_with_parent


def main() -> int:
    """Run the job on standard input; return its exit code."""
    die_with_parent()
    events = os.fdopen(int(sys.argv[1]), "w", buffering=1)

    def emit(event: dict[str, object]) -> None:
        events.write(json.dumps(event) + "\n")

    # The heavy imports start while the supervisor still inspects the data.
    from components.errors import InputError
    from components.library_mends import without_stock_components

    with without_stock_components():
        from pipeline import compilation
        from pipeline.job import Job
        from pipeline.runner import Run, explain

        compilation.import_components()

    text = sys.stdin.read()
    if not text:  # the supervisor found something wrong and needs no run
        return 0
    emit({"event": "ready"})
    try:
        return Run(Job.model_validate_json(text), emit).execute()
    except BaseException as error:
        traceback.print_exc()
        emit(
            {
                "event": "error",
                "cause": explain(error),
                "input_error": (
                    {"problem": error.problem, "details": error.details}
                    if isinstance(error, InputError)
                    else None
                ),
            }
        )
        return getattr(error, "exit_code", 1)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Interpreter shutdown of TensorFlow and Beam takes a second and does nothing here.
    os._exit(code)
