"""The fields of the lab's form: the program's text for each, and its origin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cifar_core.data.dataset import SIZE
from cifar_core.evaluation.measures import ACCURACY
from cifar_core.registry import Registry
from cifar_core.report.account import Account
from cifar_core.report.blocks import percent
from cifar_core.report.family import counted, origin
from cifar_core.runs.record.family.ancestors import CONTINUES, WEIGHTS
from cifar_core.runs.record.summary import views_note
from cifar_core.runs.results import test_looks
from cifar_core.statistics.class_shares import uneven_words

if TYPE_CHECKING:
    from cifar_core.reading.curves import Values

NEARLY_ZERO = 1e-4  # of the highest rate


@dataclass(frozen=True, kw_only=True)
class FieldSpec:
    """One field of the form."""

    key: str  # saved in report.json
    title: str
    summary: str  # what belongs in it
    write: Callable[[Account], str]
    source: str  # the origin of the program's text, a phrase
    short: bool = False  # one line is enough


def description(account: Account) -> str:
    """Describe the network, its images and its training in two or three sentences."""
    from cifar_core.config.transfer_plans import TRANSFER_PLANS
    from cifar_core.models import MODELS
    from cifar_core.optim import OPTIMIZERS

    config, data = account.config, account.data
    spec = MODELS[config.model]
    size = account.environment.parameters
    with_size = f", with {size:,} parameters" if size else ""
    begun = "from scratch"
    if "plan" in spec.uses:
        begun = f"from pretrained weights ({TRANSFER_PLANS[config.plan].title.lower()})"
    if used := account.environment.teachers:
        named = " and ".join(teacher.title for teacher in used)
        begun += f" with the help of the answers of {named}"
    images = f"{data.train_images:,} images of {data.title or 'the data'}"
    if data.side != SIZE:
        images += f" at {data.side} x {data.side} pixels"
    if account.about.start and account.about.start.how == WEIGHTS:
        begun = "from the weights of another run"
    words = (
        f"{spec.title}{with_size}, trained {begun} on {images} with "
        f"{OPTIMIZERS[config.optimizer].title}. {spec.summary}"
    )
    return f"{words} {origin(account)}".strip()


def learning_rates(account: Account) -> str:
    """Describe the learning rate, its schedule and its range, also of a run before this one."""
    from cifar_core.schedules import SCHEDULES

    config, curves, start = account.config, account.curves, account.about.start
    began = start.epoch if start and start.how == CONTINUES else 0.0
    schedule = SCHEDULES[config.schedule].title.lower()
    words = f"{config.learning_rate:g} at its peak, schedule: {schedule}."
    if began:
        words = f"After {counted(began)}: {words}"
    own = curves.step_epoch > began
    if len(rates := curves.learning_rate[own]):
        words += f" It was {rate_range(rates)}."
    if len(earlier := curves.learning_rate[~own]):
        words += f" Before that, it was {rate_range(earlier)}."
    return words


def rate_range(rates: "Values") -> str:
    """Say between which learning rates [S] some steps were trained, or at which one."""
    lowest, highest = rates.min(), rates.max()
    if f"{lowest:.3g}" == f"{highest:.3g}":
        return f"{highest:.3g} throughout"
    low = "nearly 0" if 0 < lowest < NEARLY_ZERO * highest else f"{lowest:.3g}"
    return f"between {low} and {highest:.3g}"


def batch_size(account: Account) -> str:
    """Give the number of images per step."""
    config = account.config
    pieces = f", computed {config.micro_batch} at once" if config.micro_batch else ""
    return f"{config.batch_size} images{pieces}."


def epochs(account: Account) -> str:
    """Give the number of epochs, and the best one."""
    summary, planned = account.summary, account.config.epochs
    done = summary.epochs_done
    of = f"{done}" if done == planned else f"{done} of {planned} planned"
    best = f"the best on validation was epoch {summary.best_epoch or done}"
    return f"{of}; {best}{by_measure(account)}."


def by_measure(account: Account) -> str:
    """Return which figure decided the best epoch, after its number; empty for the accuracy."""
    return "" if account.measure.key == ACCURACY else f", by {account.measure.words}"


def interpretation(account: Account) -> str:
    """Return the reading of the loss plot as paragraphs."""
    reading = account.reading
    sentences = " ".join(finding.sentence for finding in reading.findings)
    return "\n\n".join(filter(None, [reading.headline, sentences]))


def accuracy(account: Account) -> str:
    """Give the test accuracy, its interval, and the images that it was measured on."""
    interval = account.test_interval
    if interval is None:
        return "Not tested."
    low, high = interval
    note = views_note(account.summary).strip()
    data_note = account.data.note
    return " ".join(
        filter(
            None,
            [
                f"{percent(account.test_accuracy)} of {account.test_images:,} test images "
                f"(95 % interval {percent(low)} to {percent(high)}), with the weights of epoch "
                f"{account.summary.best_epoch}, the best on validation{by_measure(account)}.",
                f"The test images were shown {note}." if note else "",
                uneven_words(
                    account.data.test_counts,
                    "test",
                    account.summary.test_balanced_accuracy,
                    account.summary.test_macro_f1,
                    account.test_accuracy,
                ),
                data_note,
                test_looks.sentence(len(test_looks.looks(account.run))),
            ],
        )
    )


FIELDS = Registry(
    "field of a report",
    [
        FieldSpec(
            key="description", title="Description", write=description,
            summary="The network, its images and its training, in a few sentences.",
            source="config.json, environment.json, about.json",
        ),
        FieldSpec(
            key="learning_rates", title="Learning rates", write=learning_rates,
            summary="The rate and how it changed.", short=True, source="config.json, metrics.jsonl",
        ),
        FieldSpec(
            key="batch_size", title="Batch size", write=batch_size,
            summary="Images per step.", short=True, source="config.json",
        ),
        FieldSpec(
            key="epochs", title="Epochs", write=epochs,
            summary="Passes over the training images.", short=True,
            source="config.json, summary.json",
        ),
        FieldSpec(
            key="interpretation", title="Interpretation of the loss plot", write=interpretation,
            summary="What the curves show, and why.",
            source="the reading of the curves, from metrics.jsonl",
        ),
        FieldSpec(
            key="accuracy", title="Accuracy on test", write=accuracy,
            summary="Measured once, at the end, with the weights that validation chose.",
            source="summary.json, looks.json; Wilson score interval",
        ),
    ],
)  # fmt: skip
