"""Stands where a trainer would: fake_trainer.py RUN ATTEMPT MODE. Used by tests of the executor."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

run, attempt, mode = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
folder = run / "attempts" / attempt


def end(outcome, **more):
    (folder / "result.json").write_text(json.dumps({"outcome": outcome, "message": "", **more}))
    sys.exit(0)


def request():
    try:
        return json.loads((run / "control.json").read_text())["request"]
    except FileNotFoundError:
        return ""


if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
elif mode == "only_sigterm":
    signal.signal(signal.SIGTERM, lambda *_: end("stopped"))
elif mode == "saves_when_preempted":
    signal.signal(signal.SIGTERM, lambda *_: end("interrupted"))
(folder / "start.json").write_text(json.dumps({"checkpoint": "", "step": 0, "at": time.time()}))
print("fake trainer begins", flush=True)
if mode == "finish":
    end("finished")
if mode == "diverge":
    end("failed", reason="diverged", message="The loss became nan.")
if mode == "lose_device":
    end("failed", reason="device", message="AcceleratorError: CUDA error: unknown error.")
if mode == "lose_second_device":  # a rank other than the first reports it
    words = {"outcome": "failed", "reason": "device", "message": "CUDA error: x.", "rank": 1}
    (folder / "rank_failure.json").write_text(json.dumps(words))
    sys.exit(1)
if mode == "leave_a_session":  # as torchrun does, whose ranks have sessions of their own
    sleep = ["sleep", "1000"]
    child = subprocess.Popen(sleep, start_new_session=True)
    (folder / "child").write_text(str(child.pid))
    end("finished")
if mode == "crash_of_device":
    print("terminate called\n  what():  CUDA error: unspecified launch failure", flush=True)
    os.abort()
if mode == "die" or (mode == "die_once" and attempt == "1"):
    sys.exit(3)
while True:
    if mode == "lose_device_when_asked" and request():
        end("failed", reason="device", message="CUDA error: unknown error")
    if mode in ("obey", "die_once") and request():
        end("paused" if request() == "pause" else "stopped")
    time.sleep(0.01)
