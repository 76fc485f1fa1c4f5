"""Stub for executors that a version before 1.0 started and left running; goes with 1.1."""

import runpy
from pathlib import Path

if __name__ == "__main__":
    runpy.run_path(str(Path(__file__).with_name("engine") / "shim.py"), run_name="__main__")
