"""Settings of a run: how the learning rate and the momentum change during it."""

from dataclasses import dataclass

from cifar_core.config.groups import LEARNING
from cifar_core.schedules import SCHEDULES
from cifar_core.settings import Settings, choice, number, switch, text


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings(Settings):
    """How the learning rate and the momentum change during a run."""

    schedule: str = choice(
        "one_cycle",
        SCHEDULES,
        group=LEARNING,
        plural="schedules",
        help="How the learning rate changes during the run.",
    )
    warmup_epochs: float = number(
        1.0,
        low=0.0,
        high=100.0,
        group=LEARNING,
        used_by="schedule",
        zero="none",
        help="Epochs during which the rate rises from 0.",
    )
    step_epochs: int = number(
        10,
        low=1,
        high=500,
        group=LEARNING,
        used_by="schedule",
        help="Epochs between drops of the rate.",
    )
    step_factor: float = number(
        0.1,
        low=0.01,
        high=0.99,
        group=LEARNING,
        used_by="schedule",
        help="The rate is multiplied by this at each drop.",
    )
    milestones: str = text(
        "50, 75",
        group=LEARNING,
        used_by="schedule",
        label="Drops at (% of the run)",
        help="When the rate drops, in percent of the run, separated by commas.",
    )
    plateau_epochs: int = number(
        3,
        low=0,
        high=100,
        group=LEARNING,
        used_by="schedule",
        label="Patience before a drop",
        help="How many epochs to wait without a lower validation loss before the rate drops.",
    )
    decay_power: float = number(
        1.0,
        low=0.1,
        high=10.0,
        group=LEARNING,
        used_by="schedule",
        help="Shape of the fall: 1 is a straight line, 2 falls faster at first.",
    )
    restart_epochs: int = number(
        5,
        low=1,
        high=500,
        group=LEARNING,
        used_by="schedule",
        label="Epochs to the first restart",
        help="Epochs until the rate first jumps back to its peak.",
    )
    restart_growth: int = number(
        2,
        low=1,
        high=10,
        group=LEARNING,
        used_by="schedule",
        label="Growth of the period",
        help="How many times as long each period is as the one before.",
    )
    peak_at: float = number(
        0.25,
        low=0.01,
        high=0.99,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        label="Peak at",
        help="Share of the run after which the rate reaches its peak.",
    )
    start_share: float = number(
        0.04,
        low=0.0001,
        high=1.0,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        label="Rate at the start",
        help="The first rate, as a share of the peak rate.",
    )
    cosine_rise: bool = switch(
        False,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        help="Rise along a cosine instead of a straight line.",
    )
    end_share: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        label="Rate at the end",
        help="The last rate, as a share of the peak rate.",
    )
    cycle_epochs: float = number(
        4.0,
        low=0.1,
        high=500.0,
        group=LEARNING,
        used_by="schedule",
        label="Epochs per cycle",
        help="Epochs from one minimum of the rate to the next.",
    )
    cycle_base: float = number(
        0.25,
        low=0.0,
        high=1.0,
        group=LEARNING,
        used_by="schedule",
        label="Lowest rate of a cycle",
        help="The lowest rate of a cycle, as a share of the peak rate.",
    )
    cycle_decay: float = number(
        0.1,
        low=0.0001,
        high=1.0,
        group=LEARNING,
        used_by="schedule",
        label="Height of the last cycle",
        help="How high the cycles are at the end of the run, as a share of the first.",
    )
    cycle_momentum: bool = switch(
        False,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        help="Lower the momentum while the rate rises, and raise it while the rate falls.",
    )
    lowest_momentum: float = number(
        0.85,
        low=0.0,
        high=0.999,
        group=LEARNING,
        used_by="schedule",
        advanced=True,
        help="The momentum when the rate is highest, if it is cycled.",
    )
