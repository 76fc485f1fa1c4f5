"""The model card of a run: its network, its images, its results and its limits.

After Mitchell et al., "Model Cards for Model Reporting", section 4.
https://arxiv.org/abs/1810.03993
"""

from typing import Any

from cifar_core.data.dataset import SIZE
from cifar_core.data.sizing import FITS
from cifar_core.errors import RunError
from cifar_core.evaluation.measures import ACCURACY
from cifar_core.report.account import Account
from cifar_core.report.blocks import Table, percent
from cifar_core.report.family import origin
from cifar_core.runs.record.checkpoints import MODEL
from cifar_core.runs.record.gpu.facts import GPURecord
from cifar_core.runs.record.records import Environment

Row = tuple[str, str]


def model_card(account: Account) -> Table:
    """Return the card as a table without titles."""
    rows = [*network(account), *images(account), *results(account), *limits(account)]
    return Table(
        rows=tuple((name, value) for name, value in rows if value),
        source="config.json, environment.json, about.json, summary.json, the checkpoint's manifest",
    )


def network(account: Account) -> list[Row]:
    """Describe the network and its initial weights."""
    from cifar_core.models import MODELS

    config, size = account.config, account.environment.parameters
    spec = MODELS[config.model]
    began = account.environment.weights
    sha = began.sha256[:16] if began else ""
    of = began.source if began and began.run else f"{spec.weights} weights"
    return [
        ("Network", f"{spec.title} ({config.model})"),
        ("Paper", spec.paper),
        ("Parameters", f"{size:,}" if size else ""),
        ("Input", f"RGB images of {pixels(account)}, values in [0, 1]"),
        ("Image size", size_words(account)),
        ("Output", f"scores (logits) of {len(account.data.classes)} classes"),
        ("Initial weights", f"{of}, sha256 {sha}" if sha else "random weights"),
        ("Origin", origin(account)),
        ("Teachers", teachers(account)),
        ("Weights", weights(account)),
    ]


def teachers(account: Account) -> str:
    """Name the networks that it learned from, and how much; empty if it had the labels alone."""
    config, used = account.config, account.environment.teachers
    if not used:
        return ""
    named = [
        f"{teacher.title}, epoch {teacher.epoch:.3g}, sha256 {teacher.sha256[:16]}"
        for teacher in used
    ]
    return (
        f"{'; '.join(named)}; {percent(config.distill_share, 0)} of the loss, at temperature "
        f"{config.distill_temperature:g}"
    )


def pixels(account: Account) -> str:
    """Return the size of the images in words."""
    return f"{account.data.side} x {account.data.side} pixels"


def size_words(account: Account) -> str:
    """Say how the image size was chosen and how pictures become square; empty at 32 pixels."""
    data = account.data
    if data.side == SIZE:
        return ""
    fit = FITS[data.fit]
    return f"{data.size_reason} {fit.title}: {fit.summary[0].lower()}{fit.summary[1:]}".strip()


def weights(account: Account) -> str:
    """Name the checkpoint of the results, and its checksum."""
    try:
        info = account.run.checkpoint()
    except RunError:
        return ""
    sha = str(info.manifest["files"][MODEL]["sha256"])[:16]
    return f"epoch {info.epoch:g}, {info.megabytes:.1f} MB with optimizer, sha256 {sha}"


def images(account: Account) -> list[Row]:
    """Describe the images for training, validation and testing."""
    data = account.data
    parts = (
        f"{data.train_images:,} to learn from",
        f"{data.val_images:,} for validation",
        f"{data.test_images:,} for the test",
    )
    return [
        ("Images", data.title),
        ("Split", ", ".join(parts)),
        ("Classes", ", ".join(data.classes)),
        ("Fingerprint", data.fingerprint[:16]),
        ("About the images", data.note),
    ]


PARTS = {"train": "for training", "val": "for validation", "test": "for testing"}


def results(account: Account) -> list[Row]:
    """Give the results, and the cost."""
    summary, about = account.summary, account.environment
    best, measure = summary.best_val_accuracy, account.measure
    chose = "" if measure.key != ACCURACY else ", which chose the epoch"
    test, (low, high) = account.test_accuracy, account.test_interval or (0.0, 1.0)
    measured: dict[str, Any] = {
        "Validation accuracy": f"{percent(best)}{chose}" if best else "",
        "Best epoch by": measure.words if measure.key != ACCURACY else "",
        "Balanced accuracy": both(
            account, summary.best_val_balanced_accuracy, summary.test_balanced_accuracy
        ),
        "Macro F1": both(account, summary.best_val_macro_f1, summary.test_macro_f1),
        "Test accuracy": f"{percent(test)}, 95 % interval {percent(low)} to {percent(high)}"
        if test is not None else "not tested",
        "Lowest recall": weakest(account),
        "Trained on": ", ".join(filter(None, [about.device_name, about.precision])),
        "GPU memory": gpu_memory(about.gpu or GPURecord()),
        "Time": f"{summary.seconds / 60:,.1f} minutes" if summary.seconds else "",
        "Versions": versions(about),
        "Program": f"commit {about.git_commit[:12]}" if about.git_commit else "",
        "Seed": str(account.config.seed),
    }  # fmt: skip
    return list(measured.items())


def both(account: Account, val: float | None, test: float | None) -> str:
    """Give a figure in validation and on test, if the classes are uneven; it is known of both."""
    named = [f"{percent(value)} {where}" for value, where in ((val, "in validation"),
             (test, "on test")) if value is not None]  # fmt: skip
    return ", ".join(named) if account.uneven else ""


def versions(about: Environment) -> str:
    """Name the versions that decide what is computed."""
    gpu = about.gpu or GPURecord()
    named = {"python": about.python, "torch": about.torch, "CUDA": gpu.cuda, "cuDNN": gpu.cudnn,
             "driver": gpu.gpu_driver}  # fmt: skip
    return ", ".join(f"{name} {version}" for name, version in named.items() if version)


def gpu_memory(gpu: GPURecord) -> str:
    """Say how much of a GPU's memory the last attempt took, if that is known."""
    if not gpu.peak_reserved_megabytes:
        return ""
    peak, whole = gpu.peak_reserved_megabytes / 1000, gpu.gpu_memory_megabytes / 1000
    return f"at most {peak:.1f} of {whole:.1f} GB"


WEAK = 3  # classes that the card names


def weakest(account: Account) -> str:
    """Name the classes with the lowest recall on the test images, if anybody has opened those.

    The trainer keeps the test predictions of every run; a card must not open them by itself.
    """
    from cifar_core.evaluation.scores import scores
    from cifar_core.runs.results.predictions import kept
    from cifar_core.runs.results.test_looks import was_opened

    if not was_opened(account.run):
        return ""
    try:
        predictions = kept(account.run, "test")
    except RunError:  # no checkpoint is left
        return ""
    if predictions is None:
        return ""
    classes = scores(predictions.logits, predictions.labels).classes
    order = sorted(range(len(classes)), key=lambda k: classes[k].recall)[:WEAK]
    return ", ".join(f"{predictions.classes[k]} {percent(classes[k].recall, 1)}" for k in order)


def limits(account: Account) -> list[Row]:
    """Describe the intended use and the limits."""
    classes = len(account.data.classes)
    return [
        ("Intended use", "teaching, and comparing training methods, on images like those above"),
        (
            "Limits",
            f"It predicts one of {classes} classes for every picture, even a picture of something "
            f"else. It was trained only on pictures of {pixels(account)}. Its accuracy was "
            "measured on images from the same source; others may be harder.",
        ),
    ]
