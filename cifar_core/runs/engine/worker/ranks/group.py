"""This process among the ranks of its attempt, as a worker needs it: what all of them agree on.

The first rank follows the requests of people, decides and writes; it tells the others what it has
decided, as JSON. One rank alone is the usual case, which needs nothing of this and imports no
torch.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cifar_core.data.sizing import Sizing
from cifar_core.runs.engine.worker.ranks.lost import leave

if TYPE_CHECKING:
    from cifar_core.training.ranks.ranks import Ranks
    from cifar_core.training.step.step_plan import StepPlan

PUBLISHED = "published-"  # begins the keys of what any rank lets the others see
LOOK_SECONDS = timedelta(seconds=1)  # between two looks for what the first rank tells


def what_is_open(source: str, sizing: Sizing, step_plan: "StepPlan") -> dict[str, Any]:
    """Return what the other ranks need to open the same images and compute steps the same way."""
    return {"source": source, "sizing": asdict(sizing), "step_plan": step_plan.record()}


def store() -> Any:
    """Return the store of torchrun's agent, in which the ranks leave texts for each other."""
    from torch.distributed import distributed_c10d

    return distributed_c10d._get_default_store()


class RankGroup:
    """The ranks of an attempt: `world` of them, of which this is the one numbered `rank`."""

    def __init__(self, world: int) -> None:
        self.world = world
        # torchrun sets it; a number from elsewhere means nothing to an attempt on one device
        self.rank = int(os.environ.get("RANK") or 0) if world > 1 else 0
        self.joined: Ranks | None = None

    @property
    def several(self) -> bool:
        """Whether there are others."""
        return self.world > 1

    @property
    def parent(self) -> int | None:
        """The number of the process whose children the ranks are; None if this is the only one."""
        return os.getppid() if self.several else None

    @property
    def writes(self) -> bool:
        """Whether this is the one rank that writes into the run's folder."""
        return self.rank == 0

    @property
    def name(self) -> str:
        """What a line of its log begins with; nothing for the first rank."""
        return "" if self.writes else f"rank {self.rank}: "

    def join(self, device: str) -> None:
        """Meet the other ranks, if there are any; `device` is this rank's, by torch's name."""
        if self.several:
            from cifar_core.training.ranks.ranks import join

            self.joined = join(device)

    @property
    def ranks(self) -> "Ranks":
        """The ranks as the trainer needs them."""
        from cifar_core.training.ranks.ranks import ALONE

        return self.joined or ALONE

    def agree(self, wish: bool) -> bool:
        """Return True if any rank wishes so. All must ask at the same moments."""
        if self.joined is None:
            return wish
        from cifar_core.training.ranks.ranks import CONTINUE, END

        return self.joined.agree(END if wish else CONTINUE) == END

    def tell(self, key: str, values: Mapping[str, Any]) -> None:
        """Let the other ranks know what the first one has decided. It does so once for each key."""
        if self.joined is not None:
            self.joined.tell(key, json.dumps(values))

    def publish(self, key: str, text: str) -> None:
        """Let the other ranks see a text, whenever they look; a later one replaces it."""
        if self.joined is not None:
            store().set(f"{PUBLISHED}{key}", text)

    def published(self, key: str) -> str:
        """Return the text that a rank has published last; empty if there is none yet."""
        name = f"{PUBLISHED}{key}"
        if self.joined is None or not store().check([name]):
            return ""
        text: bytes = store().get(name)
        return text.decode()

    def told(self, key: str, is_ending: Callable[[], bool]) -> Any:
        """Wait until the first rank tells, however long it takes, and return what.

        A rank that is to end meanwhile leaves: the first is gone, or ends likewise.
        """
        from torch.distributed import DistStoreError

        assert self.joined is not None
        while True:
            try:
                store().wait([key], LOOK_SECONDS)
            except DistStoreError:
                if is_ending():
                    leave()
            else:
                return json.loads(self.joined.tell(key))
