"""Starts the ranks of an attempt on several devices, by torchrun's agent, and ends like them.

Started as `python -m cifar_core.runs.engine.worker.ranks.launch COUNT MODULE RUN ATTEMPT`. This is
torchrun (torch.distributed.launcher, https://docs.pytorch.org/docs/stable/elastic/run.html) with
three differences. Its ranks meet at a free port of the loopback interface: `torchrun --standalone`
listens on every interface and unpickles what comes in. It ends as the rank that failed first did,
by the same code or signal, which the executor reads. No rank is restarted here: attempts
are counted, and resumed, by the executor.
"""

import os
import signal
import socket
import sys
from typing import NoReturn

import psutil
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]
from torch.distributed.elastic.multiprocessing import SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.elastic.rendezvous import (
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
)
from torch.distributed.elastic.rendezvous.api import rendezvous_handler_registry
from torch.distributed.elastic.rendezvous.static_tcp_rendezvous import StaticTCPRendezvous
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from cifar_core.runs.engine.worker.ranks.lost import AGENT, LOST_RANK

HOST = "127.0.0.1"
MEETING = "loopback"  # the name of the way in which the ranks meet
SECONDS = 900  # for all ranks to come


class Loopback(StaticTCPRendezvous):
    """A meeting of ranks of this machine, which no other machine can reach."""

    def get_backend(self) -> str:
        """Return the name of this way to meet."""
        return MEETING

    def next_rendezvous(self) -> RendezvousInfo:
        """Open the store at which the ranks meet, at a free port."""
        listening = socket.create_server((HOST, 0))
        port = listening.getsockname()[1]
        self._store = TCPStore(
            HOST, port, 1, True, self.timeout, multi_tenant=True,
            master_listen_fd=listening.detach(),
        )  # fmt: skip
        store = PrefixStore(self.run_id, self._store)
        return RendezvousInfo(store, 0, 1, RendezvousStoreInfo(HOST, port))


def meeting(parameters: RendezvousParameters) -> Loopback:
    """Return where the ranks of one machine meet."""
    return Loopback(HOST, 0, 0, 1, parameters.run_id, SECONDS)


def loopback_interface() -> str:
    """Return the name of the loopback interface, such as "lo"; empty if it is not found."""
    of_all = psutil.net_if_addrs().items()
    names = [name for name, found in of_all if any(one.address == HOST for one in found)]
    return next(iter(names), "")


def first_failure(error: ChildFailedError) -> int:
    """Return how the rank that failed first ended: its code, or a signal as a negative number.

    A rank that only lost another one is not the first.
    """
    codes = [failure.exitcode for failure in error.failures.values()]
    return next((code for code in codes if code != LOST_RANK), LOST_RANK)


def end_as(code: int) -> NoReturn:
    """End this process with a code, or by a signal if the code is negative."""
    sys.stdout.flush()
    sys.stderr.flush()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(abs(code))


def main(count: str, module: str, run: str, attempt: str) -> NoReturn:
    """Start the ranks, wait until all have ended, and end likewise."""
    if name := loopback_interface():
        os.environ |= {"GLOO_SOCKET_IFNAME": name, "NCCL_SOCKET_IFNAME": name}
    os.environ[AGENT] = str(os.getpid())
    rendezvous_handler_registry.register(MEETING, meeting)
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(count),
        run_id=f"attempt-{attempt}",
        rdzv_backend=MEETING,
        max_restarts=0,
    )
    try:
        elastic_launch(config, sys.executable)("-m", module, run, attempt)
    except ChildFailedError as error:
        end_as(first_failure(error))
    except SignalException as error:
        end_as(-error.sigval)
    end_as(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
