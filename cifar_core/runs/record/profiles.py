"""profile.json: where the time of a run's steps goes, and what that means."""

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
    "logging": "counting the correct predictions and recording them",
    "other": "time outside these parts, such as checking for requests",
    "waiting": "the program had not given it any work",
}


class Bar(Struct, frozen=True, kw_only=True):
    """One part of a step, drawn as a bar."""

    name: str  # a key of TITLES
    ms: float  # milliseconds a step
    share: float  # of the step, 0 to 1
    spread_ms: float = 0.0  # standard deviation over the steps, where it is known

    @property
    def title(self) -> str:
        """The name that pages show."""
        return TITLES[self.name]


@dataclass(frozen=True)
class Profile:
    """A profile as the trainer wrote it."""

    values: dict[str, Any]

    @property
    def request(self) -> int:
        """The number of the request that it was made for."""
        return int(self.values.get("request", 0))

    @property
    def error(self) -> str:
        """Why there are no figures; empty if there are."""
        return str(self.values.get("error", ""))

    @property
    def on_gpu(self) -> bool:
        """Whether the parts are measured in GPU time."""
        return any(part["device_ms"] > 0 for part in self.values["phases"])

    @cached_property
    def bars(self) -> list[Bar]:
        """The parts of a step in their order, and the rest of its time."""
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
        """The largest part of a step, and the share of the data, in a sentence."""
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
        """What to do about an unusually large part; empty if there is none."""
        spread = self.values["step_spread_ms"] / self.values["step_ms"]
        for name, limit, words in HINTS:
            share = spread if name == "spread" else share_of(self.bars, name)
            if share > limit:
                return words
        return ""


# the part of a step, the share above which it is unusual, and what to do then
HINTS = (
    (
        "data",
        0.2,
        "The data take more than a fifth of a step: this network is so fast that preparing its "
        "images matters. Without crop and mirror they would cost less.",
    ),
    (
        "waiting",
        0.3,
        "The GPU waits for the program. A larger batch gives it more to do at a time.",
    ),
    (
        "optimizer",
        0.3,
        "Updating the weights is a large part of such a short step. A larger batch spreads each "
        "update over more images.",
    ),
    (
        "logging",
        0.15,
        "Recording the results is a large part of a step. The disk of the store may be slow.",
    ),
    (
        "spread",
        0.5,
        "The steps vary a lot in length: other programs may be using the same cores.",
    ),
)


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a whole percentage."""
    return f"{100 * share:.0f} %"


def share_of(bars: list[Bar], name: str) -> float:
    """Return the share of one part; 0 if it is not among the bars."""
    return sum(bar.share for bar in bars if bar.name == name)


def latest(folder: Path) -> Profile | None:
    """Return the run's latest profile; None if it has none."""
    for number in reversed(metrics.attempt_numbers(folder)):
        values = files.read_json(metrics.attempt_folder(folder, number) / "profile.json")
        if values:
            return Profile(values)
    return None
