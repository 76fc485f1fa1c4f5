"""Ranger: RAdam whose weights are pulled back, every few steps, to a slow average of themselves.

Lookahead is Zhang, Lucas, Hinton and Ba, 2019, https://arxiv.org/abs/1907.08610; Wright applied it
to RAdam. torch-optimizer's version uses deprecated signatures of torch, so this one is built on
torch's own RAdam.
"""

from typing import Any

import torch

PERIOD = 6  # steps between two pulls, as in Wright's version
PULL = 0.5  # share of the way that the slow weights move to the fast ones


class Ranger(torch.optim.RAdam):
    """RAdam with decoupled weight decay inside Lookahead; the slow weights are "slow"."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move every weight that has a gradient once; the closure is not used."""
        weights = [w for g in self.param_groups for w in g["params"] if w.grad is not None]
        starts = {w: w.detach().clone() for w in weights if not self.state[w]}
        super().step()
        for weight, start in starts.items():
            self.state[weight]["slow"] = start
        fast = [w for w in weights if int(self.state[w]["step"]) % PERIOD == 0]
        if fast:
            slow = [self.state[w]["slow"] for w in fast]
            torch._foreach_lerp_(slow, fast, PULL)
            torch._foreach_copy_(fast, slow)
