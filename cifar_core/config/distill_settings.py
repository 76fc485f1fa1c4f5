"""Settings of a run: how much it learns from teachers, that is, from networks of earlier runs."""

from dataclasses import dataclass

from cifar_core.config.groups import STARTING
from cifar_core.errors import ConfigError
from cifar_core.settings import Settings, number

USUAL_SHARE = 0.9  # that is proposed where a teacher is chosen


@dataclass(frozen=True, kw_only=True)
class DistillSettings(Settings):
    """How much of what a run learns are the answers of teachers. Which runs teach is not a setting.

    Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network", 2015, section 2.
    https://arxiv.org/abs/1503.02531
    """

    distill_share: float = number(
        0.0,
        low=0.0,
        high=1.0,
        group=STARTING,
        needs="distill_share",
        label="Learn from teachers",
        zero="off",
        help="Share of the loss that compares the network's answers with those of its teachers, "
        "which are runs of yours; the rest compares them with the labels. 0 uses the labels alone.",
    )
    distill_temperature: float = number(
        4.0,
        low=1.0,
        high=20.0,
        group=STARTING,
        needs="distill_share",
        label="Temperature of the teachers",
        help="Divides the logits of teachers and network before they are compared; a higher one "
        "makes more of how likely a teacher finds the wrong classes.",
    )

    def check_teachers(self, count: int) -> None:
        """Raise ConfigError unless a run that has `count` teachers also learns from them."""
        if self.distill_share and not count:
            raise ConfigError(
                {
                    "distill_share": f"distill_share is {self.distill_share:g}, but no run is "
                    "chosen as a teacher. Choose one, or set distill_share to 0."
                }
            )
        if count and not self.distill_share:
            teachers = "1 teacher is" if count == 1 else f"{count} teachers are"
            raise ConfigError(
                {
                    "distill_share": f"{teachers} chosen, but distill_share is 0, so nothing would "
                    f"be learned from them. Set it, for example to {USUAL_SHARE:g}, or choose no "
                    "teacher."
                }
            )
