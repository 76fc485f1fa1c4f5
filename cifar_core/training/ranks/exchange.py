"""What the ranks exchange in each step: gradients, running statistics, sums for the reports."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cifar_core.training.averaging import statistics
from cifar_core.training.freezing import frozen_modules, part_at
from cifar_core.training.ranks.ranks import Ranks
from cifar_core.training.reports import Due
from cifar_core.training.step.gradient import PieceSums

if TYPE_CHECKING:
    from cifar_core.training.trainer import Trainer

RATES = ("p", "drop_prob", "dropout", "attention_dropout")  # by which layers drop at random
WORD = 2**64 - 1  # of 64 bits


class Exchange:
    """The exchange of a trainer with those of the other ranks; nothing happens with one rank.

    A step of W ranks moves the weights as one of a single rank does whose batch is cut into W
    pieces: the mean of the pieces' gradients. Only two things are not the same. Batch norm's
    running statistics are the mean over the ranks of one update each, where a single rank updates
    them W times in turn; and the layers that drop at random draw from (seed, step, rank).
    """

    def __init__(self, trainer: "Trainer", device: str) -> None:
        self.trainer, self.ranks, self.device = trainer, trainer.ranks, device
        self.several = self.ranks.world > 1
        self.drops = self.several and drops_at_random(trainer.model)
        self.learns: list[bool] = []  # of each weight, as when `network` was made
        self.statistics: list[Tensor] = []  # of the batch norms that are not frozen

    def begin_epoch(self) -> None:
        """Prepare for the steps of an epoch, once what is frozen in it is known.

        What gathers the gradients is made again only if other weights learn than before.
        """
        if not self.several:
            return
        trainer = self.trainer
        part = part_at(trainer.config, trainer.progress.epoch)
        frozen = set(frozen_modules(trainer.model, trainer.spec, part))
        self.statistics = statistics(trainer.model, frozen)
        learns = [weight.requires_grad for weight in trainer.learner.parameters()]
        if learns != self.learns:
            trainer.forward = trainer.learner  # lets go of the one before, and of its hooks
            trainer.forward = self.ranks.together(trainer.learner, self.device)
            self.learns = learns

    def seed_step(self) -> None:
        """Make what is dropped a function of (seed, step, rank), so that no state is needed."""
        if self.drops:
            seed = seed_of(self.trainer.config.seed, self.trainer.step, self.ranks.rank)
            seed_generators(seed, self.device)

    def of_all(self, pieces: list[PieceSums]) -> list[PieceSums]:
        """Return the sums of all ranks' pieces; batch norm's statistics become their mean.

        Both travel in one exchange, and the device is not waited for.
        """
        if not self.several:
            return pieces
        losses, rights, counts = zip(*pieces, strict=True)
        loss = sum(one.detach() * count for one, count in zip(losses, counts, strict=True))
        sums = torch.stack([loss, sum(rights).to(loss.dtype)])
        with torch.no_grad():
            averaged_and_added(self.ranks, sums, self.statistics)
        images = sum(counts) * self.ranks.world
        return [(sums[0] / images, sums[1], images)]

    def agreed(self, due: Due) -> Due:
        """Return when all ranks report: the first rank's clock decides."""
        if not self.several:
            return due

        def of_all(done: int, total: int) -> bool:
            return bool(self.ranks.agree(int(self.ranks.writes and due(done, total))))

        return of_all


def averaged_and_added(ranks: Ranks, sums: Tensor, moved: list[Tensor]) -> None:
    """Add up the sums [n] over all ranks and average the moved tensors, all of them in place."""
    tensors = [sums, *moved]
    flat = torch.cat([tensor.flatten() for tensor in tensors])
    flat[len(sums) :] /= ranks.world
    parts = ranks.sum(flat).split([tensor.numel() for tensor in tensors])
    torch._foreach_copy_(
        tensors, [part.view_as(tensor) for part, tensor in zip(parts, tensors, strict=True)]
    )


def seed_generators(seed: int, device: str) -> None:
    """Seed torch's random numbers on the CPU and on a device, and on no other one."""
    torch.default_generator.manual_seed(seed)
    if device.startswith("cuda"):
        torch.cuda.manual_seed(seed)


def drops_at_random(network: nn.Module) -> bool:
    """Return True if a layer draws at random in training: dropout, or stochastic depth."""
    rates = [getattr(module, name, 0) for module in network.modules() for name in RATES]
    return any(isinstance(rate, int | float) and rate > 0 for rate in rates)


def seed_of(seed: int, step: int, rank: int) -> int:
    """Return the seed of a rank's random numbers in a step: 64 bits, all of them mixed.

    SplitMix64's finalizer over one number after another: Steele, Lea and Flood, "Fast Splittable
    Pseudorandom Number Generators", OOPSLA 2014, figure 16. torch keeps the lowest 32 bits on a
    CPU.
    """
    state = 0
    for number in (seed, step, rank):
        state = (state + number + 0x9E3779B97F4A7C15) & WORD
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & WORD
        state ^= state >> 31
    return state >> 1  # torch takes no seed above 2^63
