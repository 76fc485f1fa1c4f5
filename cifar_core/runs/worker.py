"""Stub for processes that a version before 1.0 started and left running; goes with 1.1."""

import runpy

if __name__ == "__main__":
    runpy.run_module(
        "cifar_core.runs.engine.worker.training_worker", run_name="__main__", alter_sys=True
    )
