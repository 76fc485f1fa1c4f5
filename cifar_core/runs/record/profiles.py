"""profile.json: where the time of a run's steps goes, and what that means in words."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from cifar_core.disk import files
from cifar_core.runs.record import metrics

TITLES = {
    "data": "Data",
    "forward": "Forward pass",
    "backward": "Backward pass",
    "optimizer": "Optimizer",
    "logging": "Logging",
    "other": "Everything else",
    "waiting": "GPU without work",
}
ABOUT = {
    "data": "picking, shifting and mirroring the images of a batch",
    "forward": "from the images to the loss",
    "backward": "from the loss to the gradient of every weight",
    "optimizer": "moving the weights along the gradients",
    "logging": "counting what was right, and writing it down",
    "other": "what no part accounts for, such as looking for requests",
    "waiting": "the program had not asked for anything yet",
}


class Bar(Struct, frozen=True, kw_only=True):
    """One part of a step, as it is drawn."""

    name: str  # a key of TITLES
    ms: float  # milliseconds a step
    share: float  # of the step, 0 to 1
    spread_ms: float = 0.0  # standard deviation over the steps, where it is known

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES[self.name]


@dataclass(frozen=True)
class Profile:
    """A profile as the trainer wrote it."""

    values: dict[str, Any]

    @property
    def request(self) -> int:
        """Which of the run's requests it answers."""
        return int(self.values.get("request", 0))

    @property
    def error(self) -> str:
        """Why there are no figures, if there are none."""
        return str(self.values.get("error", ""))

    @property
    def on_gpu(self) -> bool:
        """Whether the parts are those of the GPU's time."""
        return any(part["device_ms"] > 0 for part in self.values["phases"])

    @cached_property
    def bars(self) -> list[Bar]:
        """The parts of a step in the order in which they happen, and what is left of it."""
        step, column = self.values["step_ms"], "device_ms" if self.on_gpu else "ms"
        bars = [
            Bar(
                name=part["name"],
                ms=part[column],
                share=part[column] / step,
                spread_ms=0.0 if self.on_gpu else part["spread_ms"],
            )
            for part in self.values["phases"]
        ]
        rest = max(0.0, step - sum(bar.ms for bar in bars))
        name = "waiting" if self.on_gpu else "other"
        return [*bars, Bar(name=name, ms=rest, share=rest / step)]

    @property
    def sentence(self) -> str:
        """The largest part, and what the data cost."""
        most = max(self.bars, key=lambda bar: bar.ms)
        step = f"a step of {self.values['step_ms']:.3g} ms"
        data = share_of(self.bars, "data")
        if most.name == "data":
            return f"{percent(data)} of {step} is spent on data."
        if most.name == "waiting":
            share = percent(most.share)
            return f"For {share} of {step} the GPU has no work; data costs {percent(data)}."
        what = "something else" if most.name == "other" else f"the {most.title.lower()}"
        return f"{percent(most.share)} of {step} is {what}; data costs {percent(data)}."

    @property
    def hint(self) -> str:
        """What to do about the most remarkable part; empty if all is as it should be."""
        spread = self.values["step_spread_ms"] / self.values["step_ms"]
        for name, limit, words in HINTS:
            share = spread if name == "spread" else share_of(self.bars, name)
            if share > limit:
                return words
        return ""


# the part of a step, the share beyond which it is out of the ordinary, and what to do then
HINTS = (
    (
        "data",
        0.2,
        "The data take more than a fifth of a step: this network is so quick that preparing its "
        "images counts. Without crop and mirror they would cost less.",
    ),
    (
        "waiting",
        0.3,
        "The GPU waits for the program. A larger batch gives it more to do at a time.",
    ),
    (
        "optimizer",
        0.3,
        "Moving the weights is a large part of so short a step. A larger batch shares each "
        "update among more images.",
    ),
    (
        "logging",
        0.15,
        "Writing down the results is a large part of a step. The disk of the store may be slow.",
    ),
    (
        "spread",
        0.5,
        "The steps differ much in length: other programs seem to use the same cores.",
    ),
)


def percent(share: float) -> str:
    """Write a share from 0 to 1 as whole per cent."""
    return f"{100 * share:.0f} %"


def share_of(bars: list[Bar], name: str) -> float:
    """Return the share of one part, 0 if it is not among them."""
    return sum(bar.share for bar in bars if bar.name == name)


def latest(folder: Path) -> Profile | None:
    """Return the last profile that the run's trainer wrote, if it ever did."""
    for number in reversed(metrics.attempt_numbers(folder)):
        values = files.read_json(metrics.attempt_folder(folder, number) / "profile.json")
        if values:
            return Profile(values)
    return None
