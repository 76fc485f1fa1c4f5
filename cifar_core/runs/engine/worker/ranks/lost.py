"""What becomes of a rank when another one is gone: it ends without a last word.

Then the executor's rule for attempts that died applies: another attempt, from the newest
checkpoint.
"""

import ctypes
import os
import platform
import signal
import sys
from typing import NoReturn

from cifar_core.devices.wordings import is_device_failure, lacks_memory

AGENT = "CIFAR_AGENT"  # environment variable: number of the process of torchrun's agent
LOST_RANK = 77  # exit code of a rank that could not go on because another one is gone
NO_MORE_NEWS = (  # how gloo and NCCL word that another process does not answer
    "third_party/gloo",
    "Connection closed by peer",
    "Connection reset by peer",
    "Broken pipe",
    "Timed out waiting",
    "ncclRemoteError",
    "ncclInProgress",
    "NCCL communicator was aborted",
)


def is_of_another(error: BaseException) -> bool:
    """Return True if an error says no more than that another rank is gone or silent."""
    import torch.distributed as dist

    words = str(error)
    if lacks_memory(error) or is_device_failure(words):
        return False
    network = (dist.DistNetworkError, dist.DistStoreError)
    return isinstance(error, network) or any(one in words for one in NO_MORE_NEWS)


def leave() -> NoReturn:
    """End this process as one that has lost another rank."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(LOST_RANK)


def end_with_agent() -> None:
    """Have the kernel kill this rank when torchrun's agent, its parent, is gone.

    The agent cannot end its ranks any more if it is killed itself. Without such a kernel, the
    shim does that.
    """
    if platform.system() != "Linux":
        return
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG
    if str(os.getppid()) != os.environ.get(AGENT):  # it was gone before
        os._exit(LOST_RANK)
