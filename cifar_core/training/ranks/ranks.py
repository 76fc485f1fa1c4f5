"""This process among the ranks that train together: its part of a batch, and what all agree on.

torch.distributed connects the ranks; torchrun starts them and sets RANK and WORLD_SIZE. One rank
alone is the case that costs nothing.
"""

import os
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

CONTINUE, END = 0, 1  # what a rank wants after a batch; the highest of all counts
PATIENCE = timedelta(minutes=10)  # more than a checkpoint may wait for space on the disk


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int = 0
    world: int = 1  # how many there are
    control: Any = None  # a gloo group on the CPU, so that no question waits for a GPU

    @property
    def writes(self) -> bool:
        """Whether this is the one rank that writes into the run's folder."""
        return self.rank == 0

    def share(self, part: slice) -> slice:
        """Return this rank's part of a batch: a pure function of the batch and the rank."""
        size = part.stop - part.start
        first, last = (size * rank // self.world for rank in (self.rank, self.rank + 1))
        return slice(part.start + first, part.start + last)

    def agree(self, wish: int) -> int:
        """Return the highest wish of any rank, the same for all of them at the same moment."""
        if self.world == 1:
            return wish
        word = torch.tensor([wish])
        dist.all_reduce(word, dist.ReduceOp.MAX, group=self.control)
        return int(word)

    def sum(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over all ranks, in place, and return it."""
        if self.world > 1:
            dist.all_reduce(tensor)
        return tensor

    def first(self, tensor: Tensor) -> Tensor:
        """Replace a tensor by that of the first rank, in place, and return it."""
        if self.world > 1:
            dist.broadcast(tensor, 0)
        return tensor

    def gather(self, rows: Tensor, places: NDArray[np.int64], count: int) -> Tensor:
        """Return all rows [count, ...] of all ranks, of which this one has those at some places.

        Every place is one rank's, and nothing is rounded.
        """
        if self.world == 1:
            return rows
        everything = rows.new_zeros((count, *rows.shape[1:]))
        everything[torch.from_numpy(places).to(rows.device)] = rows
        return self.sum(everything)

    def together(self, network: nn.Module, device: str) -> nn.Module:
        """Return the network as a step calls it: its gradients are those of all ranks' images."""
        if self.world == 1:
            return network
        where = [torch.device(device)] if device.startswith("cuda") else None
        return DistributedDataParallel(
            network, device_ids=where, forward_sync_buffers=False, gradient_as_bucket_view=True
        )

    def exchanging(self, network: object, *, last: bool) -> AbstractContextManager[None]:
        """Return the context of one piece of a batch: only the last exchanges gradients."""
        if isinstance(network, DistributedDataParallel) and not last:
            quiet: AbstractContextManager[None] = network.no_sync()
            return quiet
        return nullcontext()

    def tell(self, key: str, text: str | None = None) -> str:
        """Give a text of the first rank to all of them; the others pass no text. Never pickles."""
        if self.world == 1:
            assert text is not None
            return text
        store = dist.distributed_c10d._get_default_store()
        if self.writes:
            assert text is not None
            store.set(key, text)
        told: bytes = store.get(key)
        return told.decode()


ALONE = Ranks()


def join(device: str) -> Ranks:
    """Join the ranks that were started together; ALONE unless there are several.

    `device` is where this rank computes, by torch's name.
    """
    if int(os.environ.get("WORLD_SIZE") or 1) == 1:
        return ALONE
    backend = "nccl" if device.startswith("cuda") else "gloo"
    dist.init_process_group(backend, timeout=PATIENCE)
    control = dist.new_group(backend="gloo", timeout=PATIENCE)
    return Ranks(dist.get_rank(), dist.get_world_size(), control)
