"""Asks a question whose answer needs torch in a process of its own, so that this one stays small.

The child reads a request as JSON from its standard input and prints the answer as its last line.
This module is its program: python -m ... FUNCTION.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pkgutil import resolve_name
from typing import Any

from cifar_core.background import processes
from cifar_core.errors import CifarError

Answer = Callable[[dict[str, Any]], Mapping[str, Any]]  # what it calls, a function of a module


def ask(
    function: Answer,
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    seconds: float,
    too_long: str,
) -> dict[str, Any]:
    """Return what the function answers; `too_long` is the error after so many seconds."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", __name__, processes.name_of(function)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **environment},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CifarError(too_long) from error
    if child.returncode:
        lines = child.stderr.strip().splitlines() or ["it ended without a word"]
        raise CifarError(f"The trial did not work: {lines[-1]}")
    answer: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return answer


def main(function: str) -> int:
    """Answer the request on standard input; return the exit code."""
    answer: Answer = resolve_name(function)
    try:
        print(json.dumps(answer(json.load(sys.stdin))))
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
