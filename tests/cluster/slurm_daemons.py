"""Slurm on this machine alone: Debian's packages unpacked into a folder, and two nodes.

Nothing is installed: munged, slurmctld and two slurmd run as the person who starts this, with a
key, ports and paths of their own.
"""

import getpass
import os
import re
import secrets
import shutil
import signal
import socket
import time
from pathlib import Path

from own_processes import (
    below,
    call,
    environment_of,
    name_of,
    parent_of,
    send,
    start,
)
from ports import free_ports

PACKAGES = ("munge", "libmunge2", "slurm-client", "slurm-wlm-basic-plugins", "slurmctld", "slurmd",
            "libhwloc15")  # fmt: skip
COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("n1", "n2")
# A preempted job gets SIGTERM at once in its steps, but in its script only when this has passed;
# then KillWait begins. (Slurm 22.05 did not heed preempt_send_user_signal for a script.)
GRACE_SECONDS = 5
NODE_TIMEOUT = 20  # seconds until a node that does not answer is down; Slurm's default is 300
CONFIG = """\
ClusterName=cifar
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={here}/munge.socket
PluginDir={libraries}/slurm-wlm
StateSaveLocation={here}/state
SlurmdSpoolDir={here}/spool-%n
SlurmctldPidFile={here}/slurmctld.pid
SlurmdPidFile={here}/slurmd-%n.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=5
PreemptType=preempt/partition_prio
PreemptMode=CANCEL
ReturnToService=2
SlurmdTimeout={timeout}
SlurmctldTimeout=20
KillWait=30
MinJobAge=300
InactiveLimit=0
JobRequeue=1
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=1 GraceTime={grace}
PartitionName=urgent Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=10
"""
NODE = (
    "NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 Boards=1 "
    "SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=4000"
)


def unpacked(downloads: Path) -> Path:
    """Return the folder of the unpacked packages, which are downloaded the first time."""
    root, packages = downloads / "slurm", downloads / "debs"
    if not (root / "complete").exists():
        shutil.rmtree(root, ignore_errors=True)
        packages.mkdir(parents=True, exist_ok=True)
        call(["apt-get", "download", *PACKAGES], seconds=300, folder=packages)
        for package in packages.glob("*.deb"):
            call(["dpkg", "-x", str(package), str(root)])
        (root / "complete").touch()
    return root


class SlurmDaemons:
    """A Slurm cluster of two nodes with two cores each."""

    key, title = "slurm", "Slurm"

    def __init__(self, downloads: Path, here: Path) -> None:
        self.root, self.here = unpacked(downloads), here
        self.libraries = next((self.root / "usr/lib").glob("*-linux-gnu"))
        self.controller, self.nodes = 0, dict.fromkeys(NODES, 0)
        self.fillers: list[str] = []

    def settings(self, **changes: object) -> dict[str, object]:
        """Return the cluster's part of backend.json: one run at a time fits on a node."""
        return {"gpus": 0, "cores": 2, "time": "30", **changes}

    def start(self) -> str:
        """Start all daemons and wait for the nodes; return the version."""
        for name in ("state", "bin", *(f"spool-{node}" for node in NODES)):
            (self.here / name).mkdir(parents=True)
        host, ports = socket.gethostname(), free_ports(1 + len(NODES))
        nodes = "\n".join(
            NODE.format(name=name, host=host, port=port)
            for name, port in zip(NODES, ports[1:], strict=True)
        )
        config = CONFIG.format(
            host=host, port=ports[0], user=getpass.getuser(), here=self.here, nodes=nodes,
            libraries=self.libraries, timeout=NODE_TIMEOUT, grace=GRACE_SECONDS,
        )  # fmt: skip
        (self.here / "slurm.conf").write_text(config, encoding="utf-8")
        os.environ["SLURM_CONF"] = str(self.here / "slurm.conf")
        os.environ["PATH"] = f"{self.here / 'bin'}:{os.environ['PATH']}"
        for command in COMMANDS:  # with their own libraries, which no run is to inherit
            file = self.here / "bin" / command
            file.write_text(
                f"#!/bin/sh\nLD_LIBRARY_PATH={self.libraries}:{self.libraries}/slurm-wlm "
                f'exec {self.root}/usr/bin/{command} "$@"\n',
                encoding="utf-8",
            )
            file.chmod(0o755)
        key = self.here / "munge.key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        paths = {"key-file": key.name, "socket": "munge.socket", "pid-file": "munged.pid",
                 "seed-file": "seed", "log-file": "munged.log"}  # fmt: skip
        options = [f"--{option}={self.here / name}" for option, name in paths.items()]
        self.daemon("munged", "--foreground", "--force", *options)
        deadline = time.monotonic() + 20
        while not (self.here / "munge.socket").exists():
            if time.monotonic() > deadline:
                raise RuntimeError(f"munged did not start: see {self.here}/munged.txt")
            time.sleep(0.1)
        self.start_head()
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()
        return call(["sinfo", "--version"]).strip()

    def daemon(self, name: str, *options: str) -> int:
        """Start a daemon of the packages; return its process id."""
        paths = f"{self.libraries}:{self.libraries}/slurm-wlm"
        program, log = str(self.root / "usr/sbin" / name), self.here / f"{name}.txt"
        return start([program, *options], log, {"LD_LIBRARY_PATH": paths})

    def start_head(self) -> None:
        """Start the controller, which finds the jobs of an earlier one."""
        self.controller = self.daemon("slurmctld-wlm", "-D")

    def kill_head(self) -> None:
        """Kill the controller."""
        send([self.controller, *below(self.controller)], signal.SIGKILL)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self.nodes[node] = self.daemon(
            "slurmd-wlm", "-D", "-N", node, "-d", str(self.root / "usr/sbin/slurmstepd-wlm")
        )

    def wait_for_nodes(self, seconds: float = 90.0) -> None:
        """Wait until both nodes take jobs."""
        deadline = time.monotonic() + seconds
        while True:
            said = call(["sinfo", "--noheader", "--Node", "--partition=main", "--format=%N %t"])
            if re.fullmatch(r"(n\d idle\s*){2}", said):
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"the nodes of Slurm are not idle: {said.split()}")
            time.sleep(0.3)

    def node_of(self, shim: int) -> str:
        """Return the node on which a shim runs."""
        return environment_of(shim)["SLURMD_NODENAME"]

    def processes_of(self, node: str) -> tuple[list[int], list[int]]:
        """Return the processes of a node's daemons, and those of its jobs."""
        jobs = [pid for pid in below(os.getpid()) if self.is_of(pid, node)]
        steps = {parent_of(pid) for pid in jobs if name_of(parent_of(pid)).startswith("slurmstepd")}
        daemon = self.nodes[node]
        return [daemon, *(set(below(daemon)) | steps).difference(jobs)], jobs

    def is_of(self, pid: int, node: str) -> bool:
        """Return True if a process belongs to a job on a node."""
        of_daemons = name_of(pid).startswith(("slurmd", "slurmstepd"))
        return not of_daemons and environment_of(pid).get("SLURMD_NODENAME") == node

    def words(self, job: str) -> str:
        """Return the id of a job by its name."""
        return call(["squeue", "--noheader", f"--name={job}", "--format=%i"]).split()[0]

    def fill(self) -> None:
        """Occupy both nodes, so that the next job waits."""
        self.fillers = [
            call(["sbatch", "--parsable", "--nodes=2", "--exclusive", "--output=/dev/null",
                  "--wrap=sleep 600"]).strip()
        ]  # fmt: skip

    def unfill(self) -> None:
        """Free the nodes."""
        call(["scancel", *self.fillers])
        self.fillers = []

    def preempt(self) -> None:
        """Send a job of the urgent partition, which needs both nodes for a few seconds."""
        call(["sbatch", "--parsable", "--partition=urgent", "--nodes=2", "--ntasks-per-node=2",
              "--time=1", "--output=/dev/null", "--wrap=sleep 3"])  # fmt: skip

    def shorten(self, job: str) -> None:
        """Let the time limit of a job come within its warning time."""
        call(["scontrol", "update", f"JobId={self.words(job)}", "TimeLimit=2"])
