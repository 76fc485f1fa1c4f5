"""Calls a function that needs torch in a child process, so that this process stays small.

The child reads its request as JSON from standard input and prints the result as its last line.
This module is the child's program: python -m ... FUNCTION.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any

from cifar_core.background import processes
from cifar_core.errors import CifarError

Function = Callable[[dict[str, Any]], Mapping[str, Any]]  # of a module, from request to result


def call(
    function: Function,
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    seconds: float,
    too_long: str,
    keep: Sequence[int] = (),
) -> dict[str, Any]:
    """Return the function's result; after `seconds`, raise CifarError with `too_long`.

    The child inherits the descriptors in `keep`, such as the lock of the GPU that it computes on.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", __name__, processes.name_of(function)],
            input=json.dumps(request),
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **environment},
            pass_fds=keep,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CifarError(too_long) from error
    if child.returncode:
        lines = child.stderr.strip().splitlines() or ["it ended without a message"]
        raise CifarError(f"The trial failed: {lines[-1]}")
    result: dict[str, Any] = json.loads(child.stdout.splitlines()[-1])
    return result


def main(name: str) -> int:
    """Call the function with the request on standard input; return the exit code."""
    function: Function = resolve_name(name)
    try:
        print(json.dumps(function(json.load(sys.stdin))))
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
