"""What is done to a run on a cluster. Each case breaks something and waits; the run must finish.

A case returns a sentence about what was seen. It is given the lab and a run that is under way,
except for those that begin before the run does.
"""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab import BROKEN_AT, Lab, processes_of, require, step_of
from own_processes import is_alive, is_pending, send

from cifar_core.background import processes
from cifar_core.disk import files, lock
from cifar_core.runs import Run
from cifar_core.runs.record import metrics

FENCE_SECONDS = 30.0  # for a trainer to notice that a newer attempt exists


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to disturb a run."""

    title: str
    act: Callable[[Lab, Run], str]
    attempts: tuple[int, ...] = (2,)  # how many there may be in the end
    engines: tuple[str, ...] = ("slurm", "ray")
    at_once: bool = False  # whether it begins before the run trains
    changes: tuple[tuple[str, object], ...] = ()  # of the run's settings


def plain(lab: Lab, run: Run) -> str:
    """Disturb nothing."""
    return f"ran on {run.status.device}"


def trainer(lab: Lab, run: Run) -> str:
    """Kill the trainer."""
    _, pid = processes_of(run, 1)
    send([pid], signal.SIGKILL)
    return f"next attempt after {lab.until_attempt(run, 2):.1f} s"


def shim(lab: Lab, run: Run) -> str:
    """Kill the shim; its trainer may go on, but never beside another one."""
    pid, its_trainer = processes_of(run, 1)
    send([pid], signal.SIGKILL)
    time.sleep(1.0)
    goes_on = is_alive(its_trainer)

    def is_decided() -> bool:
        both = run.status.attempt > 1 and is_alive(its_trainer)
        require(not both, "two attempts at once: the first trainer lives beside attempt 2")
        return run.status.attempt > 1 or run.status.state == "finished"

    seconds = lab.until(run, is_decided, "the next attempt or the end")
    if run.status.attempt > 1:
        return f"the engine ended its trainer; next attempt after {seconds:.1f} s"
    require(goes_on, "the trainer is gone, and the run is called finished")
    return "its trainer went on to the end"


def node(lab: Lab, run: Run) -> str:
    """Cut the power of the node: all of its processes are killed at once."""
    pid, _ = processes_of(run, 1)
    name = lab.cluster.node_of(pid)
    daemons, jobs = lab.cluster.processes_of(name)
    require(pid in jobs, f"the shim is not among the processes of {name}")
    send([*daemons, *jobs], signal.SIGKILL)
    seconds = lab.until_attempt(run, 2)
    other = lab.cluster.node_of(processes_of(run, 2)[0])
    require(other != name, f"attempt 2 runs on {name} again")
    lab.until_over(run)
    lab.cluster.start_node(name)
    return f"{name} was cut off; found after {seconds:.0f} s, resumed on {other}"


def asleep(lab: Lab, run: Run) -> str:
    """Suspend the node, whose lock cannot be seen; wake its job up beside the next attempt."""
    pid, its_trainer = processes_of(run, 1)
    name = lab.cluster.node_of(pid)
    daemons, jobs = lab.cluster.processes_of(name)
    send([*daemons, *jobs], signal.SIGSTOP)
    # as on a shared disk whose locks are not seen by other machines
    fresh = metrics.attempt_folder(run.path, 1) / "lock.fresh"
    fresh.touch()
    fresh.rename(fresh.with_name("lock"))
    found = lab.until_attempt(run, 2)
    require(is_alive(its_trainer), "the trainer of the suspended node is gone")
    send(jobs, signal.SIGCONT)
    seconds = lab.until(
        run, lambda: not is_alive(its_trainer), "the end of the older trainer", FENCE_SECONDS
    )
    lab.until_over(run)
    send([*daemons, *jobs], signal.SIGKILL)
    lab.cluster.start_node(name)
    return (
        f"{name} was suspended; found after {found:.0f} s; its trainer woke up beside attempt 2 "
        f"and ended after {seconds:.1f} s"
    )


def now(lab: Lab, run: Run) -> str:
    """Stop it with a checkpoint, and resume it."""
    return stopped(lab, run, "now")


def kill(lab: Lab, run: Run) -> str:
    """Stop it without a checkpoint, and resume it."""
    return stopped(lab, run, "kill")


def stopped(lab: Lab, run: Run, level: str) -> str:
    """Stop a run and resume it."""
    _, pid = processes_of(run, 1)
    run.stop(level)
    seconds = lab.until(run, lambda: run.status.state == "stopped", "the stop")
    require(not is_alive(pid), "it is called stopped while its trainer lives")
    run.resume()
    return f"stopped after {seconds:.1f} s, resumed"


def executor(lab: Lab, run: Run) -> str:
    """Kill the executor, and start another one after a while."""
    root = lab.store.root
    lock.send(files.read_json(root / "executor.json"), signal.SIGKILL)
    before = step_of(run)
    lab.until(run, lambda: step_of(run) > before, "rows without an executor")
    require(not processes.is_running(root), "an executor came back that nobody has started")
    processes.ensure_running(root)
    return "the trainer went on; the next executor took it over"


def head(lab: Lab, run: Run) -> str:
    """Kill the engine's head, and start it again after a while."""
    lab.cluster.kill_head()
    before = step_of(run)
    waited = lab.until(run, lambda: run.status.unanswered > 0 or run.status.state == "finished",
                       "the silence to be noticed")  # fmt: skip
    require(run.status.state in ("running", "finished"), f"became {run.status.state}")
    after = step_of(run)
    require(after > before, "no rows came while the head was away")
    if lab.cluster.key == "ray":  # the nodes of a head that is gone end with it
        for name in list(lab.cluster.nodes):
            daemons, jobs = lab.cluster.processes_of(name)
            send([*daemons, *jobs], signal.SIGKILL)
    lab.cluster.start_head()
    if lab.cluster.key == "ray":
        for name in list(lab.cluster.nodes):
            lab.cluster.start_node(name)
    lab.until(run, lambda: not run.status.unanswered, "an answer")
    return f"silence noticed after {waited:.1f} s, rows went on from step {before} to {after}"


def queue(lab: Lab, run: Run) -> str:
    """Read why it waits, stop it while it waits, resume it, and let it start."""

    def waits() -> bool:
        status = run.status
        return status.state == "starting" and "waits" in status.message.lower()

    lab.until(run, waits, "words of the engine's queue")
    words = run.status.message
    run.stop("now")
    seconds = lab.until(run, lambda: run.status.state == "stopped", "the stop", 30)
    run.resume()
    lab.until(run, lambda: run.status.attempt == 2 and waits(), "words of the queue again")
    lab.cluster.unfill()
    return f'it said "{words}"; stopped there after {seconds:.1f} s'


def preempted(lab: Lab, run: Run) -> str:
    """Let a job of a higher partition take its node."""
    return asked_to_end(lab, run, lab.cluster.preempt)


def limit(lab: Lab, run: Run) -> str:
    """Let its time limit come."""
    return asked_to_end(lab, run, lambda: lab.cluster.shorten(lab.job(run)))


def asked_to_end(lab: Lab, run: Run, ask: Callable[[], None]) -> str:
    """Have the engine ask the run to end; its trainer waits for that, or it would finish first."""
    _, its_trainer = processes_of(run, 1)
    send([its_trainer], signal.SIGSTOP)
    ask()
    last_word = metrics.attempt_folder(run.path, 1) / "result.json"

    def is_asked() -> bool:  # some engines let it continue themselves
        return is_pending(its_trainer, signal.SIGTERM) or last_word.exists()

    seconds = lab.until(run, is_asked, "the signal to end")
    send([its_trainer], signal.SIGCONT)
    later = lab.until_attempt(run, 2)
    first, second = run.attempts()[:2]
    require(last_word.exists(), "it was killed rather than asked")
    require(run.status.deaths == 0, "it used up a retry")
    require(second.from_step >= BROKEN_AT, f"it went back to step {second.from_step}")
    return (
        f"asked to end after {seconds:.1f} s, saved and queued within another {later:.1f} s: "
        f"{first.ended}"
    )


CASES = {
    "plain": Case(title="nothing happens", act=plain, attempts=(1,)),
    "trainer": Case(title="trainer: kill -9", act=trainer),
    "shim": Case(title="shim: kill -9", act=shim, attempts=(1, 2)),
    "now": Case(title="stopped with a checkpoint, resumed", act=now),
    "kill": Case(title="stopped without a checkpoint, resumed", act=kill),
    "executor": Case(title="executor: kill -9", act=executor, attempts=(1,)),
    "queue": Case(title="waits in the engine's queue", act=queue, at_once=True),
    "limit": Case(title="time limit", act=limit, engines=("slurm",)),
    "preempted": Case(title="preempted", act=preempted, engines=("slurm",)),
    "node": Case(title="power of the node cut", act=node),
    "asleep": Case(title="node suspended, its trainer wakes up later", act=asleep),
    "head": Case(title="engine's head: kill -9, back later", act=head, attempts=(1, 2)),
}
