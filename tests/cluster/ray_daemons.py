"""Ray on this machine alone: a head without cores and two nodes, with a token, on loopback."""

import json
import os
import secrets
import shutil
import signal
import sys
import time
import urllib.request
from pathlib import Path

from own_processes import below, call, is_alive, send, start
from ports import free_ports

ROOT = Path(__file__).resolve().parents[2]
NODES = ("n1", "n2")
START_SECONDS = 180.0  # for a head or a node, on a busy machine
QUIET = {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1",
         "RAY_DEDUP_LOGS": "0"}  # fmt: skip


def installed(downloads: Path) -> Path:
    """Return the `ray` command of an environment of its own, which is made the first time."""
    place = downloads / "ray"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        call([sys.executable, "-m", "venv", str(place)], seconds=300)
        call([str(place / "bin/python"), "-m", "pip", "install", "--disable-pip-version-check",
              "-r", str(ROOT / "requirements-cluster.txt")], seconds=900)  # fmt: skip
        (place / "complete").touch()
    return place / "bin/ray"


class RayDaemons:
    """A Ray cluster of two nodes with two cores each."""

    key, title = "ray", "Ray"

    def __init__(self, downloads: Path, here: Path) -> None:
        self.ray, self.here = installed(downloads), here
        self.here.mkdir(parents=True)
        self.port, self.dashboard, self.client, *self.agents = free_ports(6)
        self.address = f"http://127.0.0.1:{self.dashboard}"
        self.controller, self.nodes = 0, dict.fromkeys(NODES, 0)
        self.fillers: list[str] = []
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)

    def settings(self, **changes: object) -> dict[str, object]:
        """Return the cluster's part of backend.json: one run at a time fits on a node."""
        return {"address": self.address, "gpus": 0, "cores": 2, **changes}

    def start(self) -> str:
        """Start the head and the nodes and wait for them; return the version."""
        self.start_head()
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()
        return f"Ray {self.ask('/api/version')['ray_version']}"

    def begin(self, name: str, *options: str) -> int:
        """Start a head or a node; return its process id."""
        return start([str(self.ray), "start", "--block", "--node-ip-address=127.0.0.1",
                      "--num-gpus=0", "--object-store-memory=80000000", "--disable-usage-stats",
                      *options], self.here / f"{name}.txt", QUIET)  # fmt: skip

    def start_head(self) -> None:
        """Start the head, which knows nothing of the jobs of an earlier one."""
        self.controller = self.begin(
            "head", "--head", f"--port={self.port}", "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self.dashboard}", "--num-cpus=0", f"--temp-dir={self.here}",
            f"--ray-client-server-port={self.client}",
            f"--dashboard-agent-listen-port={self.agents[0]}",
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"Ray's head does not answer: see {self.here}/head.txt")
            time.sleep(0.5)

    def answers(self) -> bool:
        """Return True if the head answers."""
        try:
            self.ask("/api/version")
        except OSError:
            return False
        return True

    def kill_head(self) -> None:
        """Kill the head with all its processes."""
        send([self.controller, *below(self.controller)], signal.SIGKILL)

    def start_node(self, node: str) -> None:
        """Start a node and wait for it: two that start at once disturb each other."""
        agent, log = self.agents[1 + NODES.index(node)], self.here / f"{node}.txt"
        before = log.stat().st_size if log.exists() else 0
        self.nodes[node] = self.begin(node, f"--address=127.0.0.1:{self.port}", "--num-cpus=2",
                                      f"--dashboard-agent-listen-port={agent}")  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in log.read_bytes()[before:]:
            if time.monotonic() > deadline or not is_alive(self.nodes[node]):
                raise RuntimeError(f"a node of Ray did not start: see {log}")
            time.sleep(0.3)

    def wait_for_nodes(self, seconds: float = START_SECONDS) -> None:
        """Wait until both nodes take jobs."""
        deadline = time.monotonic() + seconds
        while True:
            said = self.ask("/api/cluster_status")["data"]["clusterStatus"]
            usage = (said or {}).get("loadMetricsReport", {}).get("usage", {})
            if usage.get("CPU") == [0.0, 4.0]:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"the nodes of Ray are not free: {usage}")
            time.sleep(0.5)

    def ask(self, path: str, body: dict[str, object] | None = None) -> dict:
        """Ask the head's HTTP interface."""
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {os.environ['RAY_AUTH_TOKEN']}",
                     "Content-Type": "application/json"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def node_of(self, shim: int) -> str:
        """Return the node on which a shim runs."""
        return next(node for node, root in self.nodes.items() if shim in below(root))

    def processes_of(self, node: str) -> tuple[list[int], list[int]]:
        """Return the processes of a node's daemons, and those of its jobs."""
        root = self.nodes[node]
        everything = [root, *below(root)]
        jobs = [pid for pid in everything if is_of_a_run(pid)]
        return [pid for pid in everything if pid not in jobs], jobs

    def fill(self) -> None:
        """Occupy both nodes, so that the next job waits."""
        for number in (1, 2):
            body = {"entrypoint": "exec sleep 600", "entrypoint_num_cpus": 2,
                    "submission_id": f"filler-{time.time_ns()}-{number}"}  # fmt: skip
            self.fillers.append(str(self.ask("/api/jobs/", body)["submission_id"]))

    def unfill(self) -> None:
        """Free the nodes."""
        for filler in self.fillers:
            self.ask(f"/api/jobs/{filler}/stop", {})
        self.fillers = []


def is_of_a_run(pid: int) -> bool:
    """Return True for a shim, a trainer or a process below one."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return "/attempts/" in words or "engine.worker" in words
