"""Learning-rate schedules. To add one: write its formula, add an entry to SCHEDULES.

They are functions of progress, so drawn, tested and resumed for free; only `plateau` depends on
the run itself, and what it remembers is in the snapshot.
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
            summary="A short rise, then large steps first and ever smaller ones later.",
            factor=cosine,
            uses=("warmup_epochs", "end_share"),
            paper=SGDR,
        ),
        ScheduleSpec(
            key="step",
            title="Step",
            summary="The same rate for some epochs, then a fraction of it, and again.",
            factor=step,
            uses=("step_epochs", "step_factor"),
        ),
        ScheduleSpec(
            key="constant",
            title="Constant",
            summary="The same rate throughout; the honest way to compare optimizers.",
            factor=constant,
        ),
        ScheduleSpec(
            key="polynomial",
            title="Polynomial or linear with warm-up",
            summary="A short rise, then a fall that is straight at power 1, steeper first above.",
            factor=polynomial,
            uses=("warmup_epochs", "decay_power", "end_share"),
        ),
        ScheduleSpec(
            key="multi_step",
            title="Multi-step with warm-up",
            summary="A short rise, then the same rate until each of the chosen points of the run.",
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
            summary="Falls along a cosine, jumps back to the peak, and again, each time longer.",
            factor=warm_restarts,
            uses=("restart_epochs", "restart_growth", "end_share"),
            paper=SGDR,
        ),
        ScheduleSpec(
            key="triangular",
            title="Triangular cycles",
            summary="Rises and falls in straight lines, over and over.",
            factor=cyclic(wave),
            height=wave,
            uses=CYCLE,
            paper=SMITH_2015,
        ),
        ScheduleSpec(
            key="triangular2",
            title="Triangular cycles, halved",
            summary="Rises and falls in straight lines, half as high in each new cycle.",
            factor=cyclic(halving_wave),
            height=halving_wave,
            uses=CYCLE,
            paper=SMITH_2015,
        ),
        ScheduleSpec(
            key="exp_range",
            title="Triangular cycles, fading",
            summary="Rises and falls in straight lines, ever less high as the run goes on.",
            factor=cyclic(decaying_wave),
            height=decaying_wave,
            uses=(*CYCLE, "cycle_decay"),
            paper=SMITH_2015,
        ),
    ],
)
