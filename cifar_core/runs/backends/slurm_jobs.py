"""What squeue prints, as jobs. States and reasons are those of `man squeue`, Slurm 22.05."""

import time

from cifar_core.runs.backends.backend import Job

# id, state, reason, expected start, time left, nodes; the name is last, as it may hold anything
FORM = "%i|%T|%r|%S|%L|%N|%j"
NEAR_SECONDS = 240  # before the time limit: SIGTERM comes 120 s before it, or 60 s earlier

WAITS = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT",
         "RESV_DEL_HOLD", "SUSPENDED", "POWER_UP_NODE")  # fmt: skip
OVER = {  # any other state is one of a job that runs, or is ending
    "COMPLETED": "",
    "CANCELLED": "Its job was canceled in Slurm.",
    "FAILED": "Slurm says that its job failed ({reason}).",
    "TIMEOUT": "It reached the time limit in Slurm.",
    "DEADLINE": "It reached its deadline in Slurm.",
    "PREEMPTED": "Slurm ended it to make room for another job (preemption).",
    "NODE_FAIL": "Slurm lost the node {node}.",
    "BOOT_FAIL": "Slurm could not start the node {node}.",
    "LAUNCH_FAILED": "Slurm could not start it on {node}.",
    "RECONFIG_FAIL": "Slurm could not prepare the node {node}.",
    "OUT_OF_MEMORY": "Slurm ended it because it used more memory than its job may.",
    "REVOKED": "Slurm moved its job to another cluster.",
}
REASONS = {  # in addition to Slurm's own word
    "Priority": "other jobs come first",
    "Resources": "no node is free for it",
    "Dependency": "an earlier job of the same name is still there",
    "JobHeldUser": "someone holds it back; scontrol release lets it start",
    "JobHeldAdmin": "an administrator of Slurm holds it back",
    "PartitionDown": "the partition is down",
    "PartitionInactive": "the partition takes no jobs to start",
    "PartitionTimeLimit": "its time limit is longer than the partition allows",
    "PartitionNodeLimit": "it asks for more nodes than the partition allows",
    "BadConstraints": "no node has what it asks for",
    "ReqNodeNotAvail": "a node that it needs is not available",
    "BeginTime": "its start is later",
    "Licenses": "it waits for a license",
    "Reservation": "it waits for its reservation",
}


def read(text: str, now: float) -> dict[str, Job]:
    """Return the jobs that squeue printed in the form FORM, by name; `now` is in unix seconds.

    Of several with one name, one that is not over counts, otherwise the last.
    """
    jobs: dict[str, Job] = {}
    for line in text.splitlines():
        parts = line.split("|", 6)
        if len(parts) < 7:  # not a job: part of the name of another one
            continue
        _, state, reason, start, left, node, name = parts
        job = job_of(state, reason, start, left, node, now)
        if job.found != "gone" or jobs.get(name, job).found == "gone":
            jobs[name] = job
    return jobs


def job_of(state: str, reason: str, start: str, left: str, node: str, now: float) -> Job:
    """Return a job by what squeue says of it."""
    node = "" if node == "(null)" else node
    if state in OVER:
        words = OVER[state].format(reason=reason, node=node or "of its job")
        return Job(found="gone", node=node, words=words, began=bool(node))
    if state == "PENDING":
        return Job(found="waits", words=words_of_waiting(reason, start, now))
    if state == "SUSPENDED":
        return Job(found="waits", node=node, words="Slurm has suspended it for other jobs.")
    if state in WAITS:
        return Job(found="waits", node=node, words=f"Slurm prepares its job ({state}).")
    seconds = seconds_of(left)
    if seconds is None or seconds > NEAR_SECONDS:
        return Job(found="runs", node=node)
    limit = moment(now + seconds, now)
    return Job(found="runs", node=node, words=f"The time limit of its job in Slurm was {limit}.")


def words_of_waiting(reason: str, start: str, now: float) -> str:
    """Return the sentence about a job that waits: why, and when Slurm expects it to start."""
    why = ""
    if reason and reason != "None":
        gloss = REASONS.get(reason.partition(",")[0], "")
        why = f" ({reason}: {gloss})" if gloss else f" ({reason})"
    expected = ""
    if start.isdecimal() and now < int(start) < now + 1e8:
        expected = f"; Slurm expects it to start {moment(int(start), now)}"
    return f"Waits in Slurm's queue{why}{expected}."


def moment(unix: float, now: float) -> str:
    """Return a time of this machine's clock: "at 14:20", or "on 3 Dec at 14:20"."""
    then, today = time.localtime(unix), time.localtime(now)
    clock = time.strftime("at %H:%M", then)
    if then[:3] == today[:3]:
        return clock
    return f"on {then.tm_mday} {time.strftime('%b', then)} {clock}"


def seconds_of(left: str) -> int | None:
    """Return a time of squeue's in seconds, such as "1-02:03:04"; None if there is no limit."""
    days, _, rest = left.rpartition("-")
    parts = rest.split(":")
    if not all(part.isdecimal() for part in [*parts, days or "0"]) or len(parts) > 3:
        return None
    total = 0
    for part in parts:
        total = 60 * total + int(part)
    return total + 86400 * int(days or 0)
