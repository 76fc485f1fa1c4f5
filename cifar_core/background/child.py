"""Asks a question whose answer needs torch in a process of its own, so that this one stays small.

The child reads a request as JSON from its standard input and prints the answer as its last line.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from cifar_core.errors import CifarError


def ask(
    module: str,
    request: Mapping[str, Any],
    *,
    environment: Mapping[str, str],
    seconds: float,
    too_long: str,
) -> dict[str, Any]:
    """Return the answer of `python -m module`; `too_long` is the error after so many seconds."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", module],
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


def reply(answer: Callable[[dict[str, Any]], Mapping[str, Any]]) -> int:
    """Answer the request on standard input; return the exit code."""
    try:
        print(json.dumps(answer(json.load(sys.stdin))))
    except CifarError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 2
    return 0
