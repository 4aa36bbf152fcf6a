"""The errors that a user meets, each with the exit code it leads to."""

from __future__ import annotations

from typing import Any

#: Exit code after Ctrl-C, or a request to end.
INTERRUPTED = 130


class ModelworksError(Exception):
    """Base of all errors that end a command with a message and no traceback."""

    exit_code = 1


class InputError(ModelworksError):
    """Bad data, a bad setting or a bad argument: says what, where, and what to do.

    Parameters
    ----------
    problem : str
        One sentence that says what is wrong.
    file, column, setting : str, optional
        Where it is wrong: a data or config file, a column of the data, a dotted
        key of the config.
    line : int, optional
        One-based line of `file`.
    expected, got : object, optional
        What was expected there and what was found.
    remedy : str, optional
        What the user can do about it, as an imperative sentence.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        file: str | None = None,
        column: str | None = None,
        setting: str | None = None,
        line: int | None = None,
        expected: object = None,
        got: object = None,
        remedy: str | None = None,
    ) -> None:
        self.problem = problem
        self.details: dict[str, Any] = {
            key: value if isinstance(value, int) else str(value)
            for key, value in {
                "file": file,
                "line": line,
                "column": column,
                "setting": setting,
                "expected": expected,
                "got": got,
                "to do": remedy,
            }.items()
            if value is not None
        }
        super().__init__(problem)

    def __str__(self) -> str:
        rows = [f"  {key + ':':<10}{value}" for key, value in self.details.items()]
        return "\n".join([self.problem, *rows])

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_input_error, (self.problem, self.details)


def _rebuild_input_error(problem: str, details: dict[str, Any]) -> InputError:
    error = InputError(problem)
    error.details = dict(details)
    return error


class GateRefusedError(ModelworksError):
    """A gate (anomalies, blessing, drift) refused; nothing is broken."""

    exit_code = 3
