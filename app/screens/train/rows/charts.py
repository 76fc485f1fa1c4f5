"""The chart of a planned run: its learning rate, and its momentum where that changes."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import plotly.graph_objects as go

from app import theme
from cifar_core.config import TrainConfig
from cifar_core.optim import OPTIMIZERS
from cifar_core.schedules import SCHEDULES

MOMENTS = [i / 400 for i in range(401)]  # of the run, 0 to 1, at which the schedule is drawn


@dataclass(frozen=True, kw_only=True)
class Planned:
    """The course of the learning rate, as far as it is known beforehand."""

    epochs: list[float]
    rates: list[float]
    momenta: list[float] = field(default_factory=list)  # empty if the momentum stays the same
    note: str = ""  # what the drawn rate cannot show; empty if it shows everything


def planned(config: TrainConfig) -> Planned:
    """Return the course of the rate and the momentum with some settings."""
    schedule, momenta, note = SCHEDULES[config.schedule], [], ""
    if config.cycle_momentum and schedule.height is not None:
        highest = getattr(config, OPTIMIZERS[config.optimizer].momentum_setting)
        momenta = [schedule.momentum(moment, highest, config) for moment in MOMENTS]
    if schedule.follows_loss:
        note = (
            f"The rate is multiplied by {config.step_factor:g} whenever the validation loss has "
            f"not fallen for more than {theme.plural(config.plateau_epochs, 'epoch')}. The times "
            "of these drops are not known in advance, so they are not drawn."
        )
    return Planned(
        epochs=[moment * config.epochs for moment in MOMENTS],
        rates=[config.learning_rate * schedule.factor(moment, config) for moment in MOMENTS],
        momenta=momenta,
        note=note,
    )


def schedule_figure(
    epochs: Sequence[float], rates: Sequence[float], momenta: Sequence[float] = ()
) -> go.Figure:
    """Draw the planned learning rate over the epochs, and the momentum below it if given."""
    figure = go.Figure()
    figure.add_scatter(
        x=epochs, y=rates, mode="lines", hovertemplate="epoch %{x:.1f}: %{y:.3g}<extra></extra>"
    )
    figure.update_layout(height=170, margin={"t": 8, "r": 8, "b": 8, "l": 8}, showlegend=False)
    figure.update_xaxes(title="Epoch", showgrid=False, fixedrange=True)
    figure.update_yaxes(rangemode="tozero", nticks=4, tickformat="~g", fixedrange=True)
    if momenta:
        hover = "epoch %{x:.1f}: momentum %{y:.3f}<extra></extra>"
        figure.add_scatter(x=epochs, y=momenta, mode="lines", yaxis="y2", hovertemplate=hover)
        figure.update_layout(
            height=290,
            yaxis={"domain": [0.5, 1.0], "title": "Rate"},
            yaxis2={"domain": [0.0, 0.34], "title": "Momentum", "anchor": "x", "nticks": 4,
                    "tickformat": "~g", "fixedrange": True},
            xaxis={"anchor": "y2"},
        )  # fmt: skip
    return figure
