"""Learning-rate schedules. To add one: write its formula, add an entry to SCHEDULES.

They are functions of progress, so they need no state to be drawn, tested or resumed; only `plateau`
depends on the run itself, and its state is in the snapshot.
"""

from cifar_core.registry import Registry
from cifar_core.schedules.cycles import (
    annealed,
    cyclic,
    decaying_wave,
    halving_wave,
    one_cycle,
    wave,
)
from cifar_core.schedules.decays import (
    constant,
    cosine,
    multi_step,
    polynomial,
    step,
    warm_restarts,
)
from cifar_core.schedules.milestones import is_milestones
from cifar_core.schedules.plateau import Plateau
from cifar_core.schedules.spec import ScheduleSpec

__all__ = ["SCHEDULES", "Plateau", "ScheduleSpec", "is_milestones"]

MOMENTUM = ("cycle_momentum", "lowest_momentum")
CYCLE = ("cycle_epochs", "cycle_base", *MOMENTUM)
SMITH_2015 = "https://arxiv.org/abs/1506.01186"
SGDR = "https://arxiv.org/abs/1608.03983"

SCHEDULES = Registry(
    "schedule",
    [
        ScheduleSpec(
            key="one_cycle",
            title="One cycle",
            summary="Warm up, then decay: usually the best result in few epochs.",
            factor=one_cycle,
            height=annealed,
            uses=("peak_at", "start_share", "end_share", "cosine_rise", *MOMENTUM),
            paper="https://arxiv.org/abs/1708.07120",
        ),
        ScheduleSpec(
            key="cosine",
            title="Cosine with warm-up",
            summary="A short rise, then steps that get smaller and smaller.",
            factor=cosine,
            uses=("warmup_epochs", "end_share"),
            paper=SGDR,
        ),
        ScheduleSpec(
            key="step",
            title="Step",
            summary="The same rate for some epochs, then a fraction of it, and so on.",
            factor=step,
            uses=("step_epochs", "step_factor"),
        ),
        ScheduleSpec(
            key="constant",
            title="Constant",
            summary="The same rate throughout; a simple way to compare optimizers.",
            factor=constant,
        ),
        ScheduleSpec(
            key="polynomial",
            title="Polynomial or linear with warm-up",
            summary="A short rise, then a fall: linear at power 1, steeper at first above.",
            factor=polynomial,
            uses=("warmup_epochs", "decay_power", "end_share"),
        ),
        ScheduleSpec(
            key="multi_step",
            title="Multi-step with warm-up",
            summary="A short rise, then a constant rate that drops at chosen points of the run.",
            factor=multi_step,
            uses=("warmup_epochs", "milestones", "step_factor"),
        ),
        ScheduleSpec(
            key="plateau",
            title="On a plateau",
            summary="Lowers the rate when the validation loss has stopped falling.",
            factor=constant,
            follows_loss=True,
            uses=("plateau_epochs", "step_factor"),
        ),
        ScheduleSpec(
            key="warm_restarts",
            title="Cosine with warm restarts",
            summary="Falls along a cosine and jumps back to the peak, in ever longer periods.",
            factor=warm_restarts,
            uses=("restart_epochs", "restart_growth", "end_share"),
            paper=SGDR,
        ),
        ScheduleSpec(
            key="triangular",
            title="Triangular cycles",
            summary="Rises and falls linearly, over and over.",
            factor=cyclic(wave),
            height=wave,
            uses=CYCLE,
            paper=SMITH_2015,
        ),
        ScheduleSpec(
            key="triangular2",
            title="Triangular cycles, halved",
            summary="Rises and falls linearly, half as high in each new cycle.",
            factor=cyclic(halving_wave),
            height=halving_wave,
            uses=CYCLE,
            paper=SMITH_2015,
        ),
        ScheduleSpec(
            key="exp_range",
            title="Triangular cycles, fading",
            summary="Rises and falls linearly, less and less high as the run goes on.",
            factor=cyclic(decaying_wave),
            height=decaying_wave,
            uses=(*CYCLE, "cycle_decay"),
            paper=SMITH_2015,
        ),
    ],
)
