"""The charts of a report, from a run's curves."""

from collections.abc import Sequence

from cifar_core.palette import pen
from cifar_core.reading.curves import Curves, Values, smooth, thin
from cifar_core.report.account import Account
from cifar_core.report.blocks import Chart, Line, Mark, Panel
from cifar_core.runs.family.joins import joins

TRAINING, VALIDATION = 0, 1  # the colors that the Run page gives them
POINTS = 400  # of a line, in buckets of a lowest and a highest point
HALF_LIFE = 10  # of the average of the training's reports, in reports


def loss_plot(account: Account) -> Chart:
    """Return loss and accuracy of one run over its epochs."""
    curves = account.curves
    return Chart(
        key=f"run-{account.run.number}",
        title=f"Loss and accuracy of {account.title}",
        panels=(
            Panel(title="Loss", lines=lines(curves, curves.train_loss, curves.val_loss)),
            Panel(
                title="Accuracy",
                lines=lines(curves, curves.train_accuracy, curves.val_accuracy),
                is_share=True,
            ),
        ),
        marks=tuple(Mark(x=join.epoch, label=join.label) for join in joins(account.run)),
    )


def lines(curves: Curves, training: Values, validation: Values) -> tuple[Line, ...]:
    """Return lines of the training reports, of their average, and of validation."""
    if not len(training):
        return ()
    drawn = thin(training, POINTS)
    every = max(1.0, float(curves.step[0]))  # steps between two reports
    average = smooth(training, curves.step, HALF_LIFE * every)
    kept = thin(average, POINTS)
    x = curves.step_epoch
    return (
        Line(name="Training, each report", x=x[drawn], y=training[drawn], color=TRAINING,
             faint=True),
        Line(name="Training", x=x[kept], y=average[kept], color=TRAINING),
        Line(name="Validation", x=curves.epoch, y=validation, color=VALIDATION, marked=True),
    )  # fmt: skip


def comparison(accounts: Sequence[Account]) -> Chart:
    """Return the validation curves of several runs, overlaid, in their colors of the pages."""

    def drawn(name: str) -> tuple[Line, ...]:
        return tuple(line(account, getattr(account.curves, name)) for account in accounts)

    return Chart(
        key="comparison",
        title="Validation after each epoch",
        panels=(
            Panel(title="Validation loss", lines=drawn("val_loss")),
            Panel(title="Validation accuracy", lines=drawn("val_accuracy"), is_share=True),
        ),
    )


def line(account: Account, values: Values) -> Line:
    """Return what validation said of a run after each epoch."""
    color, dash = pen(account.run.number)
    return Line(name=account.title, x=account.curves.epoch, y=values, color=color, dash=dash,
                marked=True)  # fmt: skip
