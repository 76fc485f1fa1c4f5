"""What the first rank decides for all of them, because a trial or a file is its work alone."""

import json
from collections.abc import Callable

from cifar_core.training.ranks.ranks import Ranks
from cifar_core.training.step.step_plan import StepPlan, from_record


def plan_of_all(ranks: Ranks, device: str, decide: Callable[[], StepPlan]) -> StepPlan:
    """Return how all ranks compute a step: as the first decides, the only one that is asked.

    `device` is this rank's, by torch's name. The others wait for the answer; a trial takes seconds.
    """
    if ranks.world == 1:
        return decide()
    text = ranks.tell("step plan", json.dumps(decide().record()) if ranks.writes else None)
    return from_record(json.loads(text), device)
