"""A Slurm of one machine, for tests: its commands, which keep their jobs in a folder.

`python fake_slurm.py FOLDER COMMAND ARGUMENT...` stands where a command of Slurm would. Tests call
the same functions to start, lose and preempt jobs.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def options(words):
    """Return the options of a command as a table."""
    return {name: value for name, _, value in (w.removeprefix("--").partition("=") for w in words)}


def fail(command, *lines):
    sys.exit("".join(f"{command}: error: {line}\n" for line in lines).rstrip())


def jobs(folder):
    """Return the jobs, oldest first; one whose process has ended is over."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    for job in found:
        if job["state"] == "RUNNING" and not is_alive(job["pid"]):
            job["state"] = "COMPLETED"
    return found


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def save(folder, job, **changes):
    path = folder / f"{job['id']:06d}.json"
    draft = path.with_suffix(".tmp")
    draft.write_text(json.dumps({**job, **changes}))
    draft.replace(path)


def sbatch(folder, words):
    wanted, script = options(words), sys.stdin.read()
    if wanted.get("partition", "gpu") not in ("gpu", "cpu"):
        fail("sbatch", "invalid partition specified: " + wanted["partition"],
             "Batch job submission failed: Invalid partition name specified")  # fmt: skip
    if (folder / "limit").exists():
        fail("sbatch", "AssocMaxSubmitJobLimit", "Batch job submission failed: Job violates "
             "accounting/QOS policy (job submit limit, user's size and/or time "
             "limits)")  # fmt: skip
    if "test-only" in wanted:
        return
    job = {"id": len(list(folder.glob("*.json"))) + 1, "name": wanted["job-name"], "pid": 0,
           "state": "PENDING", "reason": "Resources", "node": "", "left": "UNLIMITED",
           "start": "N/A", "options": words, "script": script}  # fmt: skip
    save(folder, job)
    print(job["id"])
    if not (folder / "busy").exists():
        start(folder, job)


def start(folder, job, node="n1"):
    """Start a job as slurmstepd would: its script with nothing of this environment."""
    wanted = options(job["options"])
    with Path(wanted["output"].replace("%%", "%")).open("ab") as log:
        child = subprocess.Popen(
            ["/bin/sh", "-c", job["script"]], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            cwd=wanted["chdir"], env={"SLURM_JOB_ID": str(job["id"])}, start_new_session=True,
        )  # fmt: skip
    child.returncode = 0  # not waited for: it outlives this process
    save(folder, job, state="RUNNING", pid=child.pid, node=node)


def squeue(folder, words):
    wanted = options(words)
    assert "me" in wanted
    keys = {"%i": "id", "%T": "state", "%r": "reason", "%S": "start", "%L": "left", "%N": "node",
            "%j": "name"}  # fmt: skip
    for job in jobs(folder):
        print("|".join(str(job[keys[part]]) for part in wanted["format"].split("|")))


def scancel(folder, words):
    wanted = options(words)
    assert "me" in wanted
    for job in jobs(folder):
        of_state = wanted.get("state", job["state"]) == job["state"]
        if job["name"] != wanted["name"] or not of_state:
            continue
        if job["state"] == "PENDING" and "signal" not in wanted:
            save(folder, job, state="CANCELLED")
        elif job["state"] == "RUNNING":
            number = signal.SIGKILL if wanted.get("signal") == "KILL" else signal.SIGTERM
            pids = [job["pid"], *children(job["pid"])] if "full" in wanted else [job["pid"]]
            for pid in pids:
                os.kill(pid, number)


def children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def sinfo(folder, words):
    print("slurm 22.05.8" if "--version" in words else "gpu*|3\ncpu|1")


def scontrol(folder, words):
    print(f"ProctrackType           = proctrack/{(folder / 'proctrack').read_text().strip()}")


def install(folder):
    """Make the commands in a folder `bin`, and return it."""
    (folder / "proctrack").write_text("cgroup")
    bin_folder = folder / "bin"
    bin_folder.mkdir()
    for name in ("sbatch", "squeue", "scancel", "sinfo", "scontrol"):
        path = bin_folder / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {__file__} {folder} {name} "$@"\n')
        path.chmod(0o755)
    return bin_folder


def main(folder, command, *words):
    with (folder / "calls").open("a") as calls:
        calls.write(json.dumps([command, *words]) + "\n")
    if (folder / "hangs").exists():
        time.sleep(60)
    if (folder / "down").exists() and "--version" not in words:
        fail(command, "Unable to contact slurm controller (connect failure)")
    if "--version" in words and command != "sinfo":
        print("slurm 22.05.8")
    else:
        globals()[command](folder, words)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
