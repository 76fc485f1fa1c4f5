"""What the closed rows state: for each group of settings, its values in a few words."""

from collections.abc import Callable
from dataclasses import fields

from app import theme
from app.screens.train.form import Form
from app.screens.train.many.every_combination import GridDraft, multiplied
from cifar_core import timm_names
from cifar_core.config import TrainConfig
from cifar_core.config.groups import (
    CHANGES,
    KEPT_BACK,
    LEARNING,
    MACHINE,
    REPEATS,
    STARTING,
    STOPPING,
)
from cifar_core.evaluation.measures import ACCURACY, measure_of
from cifar_core.models import MODELS
from cifar_core.numbers import NARROW, percent
from cifar_core.reading.ends import time_words
from cifar_core.settings import label_of, rule_of, shown

SETTINGS = {f.name: f for f in fields(TrainConfig)}
WRONG = ":red[:material/error: needs to be corrected]"


def says(group: str, form: Form) -> str:
    """Return what a row states, as Markdown; for a group without a function, what differs in it."""
    if is_wrong(group, form):
        return WRONG
    return theme.safe(WORDS.get(group, differences(group))(form))


def is_wrong(group: str, form: Form) -> bool:
    """Whether something in a row has to be corrected."""
    if group == REPEATS and form.many and form.many.problems:
        return True
    if group == STARTING and form.own and form.own.problem:
        return True
    wrong = (SETTINGS[name] for name in form.draft.problems if name in SETTINGS)
    return any(rule_of(f).group == group for f in wrong)


def differences(group: str) -> Callable[[Form], str]:
    """Return a function that lists the values of a group that differ from the defaults."""

    def words(form: Form) -> str:
        changed = [f"{label_of(f)} {value(form, f.name)}" for f in form.fields
                   if rule_of(f).group == group and form.differs(f)]  # fmt: skip
        return ", ".join(changed) or "as usual"

    return words


def varies(form: Form, name: str) -> bool:
    """Whether a setting has several values, so that the one in the form means nothing."""
    return form.many is not None and name in form.many.hidden


def value(form: Form, name: str, words: str = "{}") -> str:
    """Write the value of a setting, in words such as "rate {}"; that it varies, if it does."""
    setting = SETTINGS[name]
    if varies(form, name):
        return f"several {rule_of(setting).plural or f'values of {label_of(setting)}'}"
    return words.format(shown(setting, form.values[name]))


def share(form: Form, name: str, words: str) -> str:
    """Write a share in percent; that it varies, if it does."""
    if varies(form, name):
        return value(form, name)
    return words.format(percent(form.values[name], 0))


def changes(form: Form) -> str:
    """Say how images are changed before the network sees them."""
    now = form.values

    def of(name: str, words: str) -> str:
        return value(form, name, words) if now[name] or varies(form, name) else ""

    mirrored = "mirrored by chance" if now["flip_mode"] == "random" else "mirrored in turn"
    parts = [
        enlarged(form),
        of("flip", mirrored),
        share(form, "random_resized_crop", "random parts of at least {} of each image")
        if now["random_resized_crop"] or varies(form, "random_resized_crop")
        else of("crop_padding", "shifted by up to {} of 32 pixels"),
        unless_usual(form, "policy", "{}"),
        of("rotation", "turned by up to {}°"),
        of("zoom", "zoomed by up to {}"),
        of("shear", "slanted by up to {}°"),
        of("perspective", "perspective {}"),
        of("color_jitter", "color jitter {}"),
        of("grayscale", "a share of {} gray"),
        of("blur", "blurred by up to {} pixels").replace("to 1 pixels", "to 1 pixel"),
        of("cutout", "a square of {} pixels blanked out").replace("of 1 pixels", "of 1 pixel"),
        of("erasing", "a rectangle blanked out in a share of {}"),
    ]
    return ", ".join(filter(None, parts)) or "none"


def enlarged(form: Form) -> str:
    """Say to how many pixels a network enlarges the images; nothing if they have as many."""
    name = "resolution"
    is_smaller = varies(form, name) or form.draft.side < form.values[name]
    words = value(form, name, "enlarged to {} pixels")
    return words if form.uses(SETTINGS[name]) and is_smaller else ""


def learning(form: Form) -> str:
    """Say how the weights are learned."""
    parts = [
        value(form, "optimizer"),
        value(form, "learning_rate", "rate {}"),
        value(form, "schedule").lower(),
        value(form, "batch_size", "{} images a step"),
        value(form, "dropout", "dropout {}") if form.uses(SETTINGS["dropout"]) else "",
        unless_usual(form, "order", "classes equally often"),
        unless_usual(form, "class_weights", "class weights: {}").lower(),
        unless_usual(form, "mixup", "mixup {}"),
        unless_usual(form, "cutmix", "CutMix {}"),
    ]
    return ", ".join(filter(None, parts))


def unless_usual(form: Form, name: str, words: str) -> str:
    """Write the value of a setting in words if it is not the default, or that it varies."""
    usual = form.values[name] == SETTINGS[name].default and not varies(form, name)
    return "" if usual else value(form, name, words)


def starting(form: Form) -> str:
    """Say with which weights it begins, and which of them are trained."""
    parts = [first_weights(form)]
    if MODELS[form.values["model"]].weights and not varies(form, "model"):
        parts.append(value(form, "plan").lower())
    if form.teachers:
        parts.append(f"taught by {' and '.join(one.title for one in form.teachers)}")
    return ", ".join(parts)


def first_weights(form: Form) -> str:
    """Say which weights it begins with."""
    if form.own:
        return form.own.words
    if varies(form, "model"):
        return "as each network begins"
    model = MODELS[form.values["model"]]
    if not model.weights:
        return "from the beginning"
    return "pretrained weights" if timm_names.is_name(model.key) else "ImageNet weights"


def kept_back(form: Form) -> str:
    """Say which images are not trained on."""
    words = share(form, "val_fraction", "{} for validation")
    if by := unless_usual(form, "best_by", "{}"):
        words += f", best epoch by {by if varies(form, 'best_by') else by.lower()}"
    if form.values["train_fraction"] == 1 and not varies(form, "train_fraction"):
        return words
    return f"{words}; {share(form, 'train_fraction', '{} of the others are used')}"


def machine(form: Form) -> str:
    """Say where it trains, on how many devices, and with which numbers."""
    where = form.draft.where or value(form, "device")
    automatic = form.values["device"] == "auto" and form.draft.here
    parts = [
        value(form, "run_on") if varies(form, "run_on") else where,
        "(chosen automatically)" if automatic and not varies(form, "run_on") else "",
    ]
    more = [unless_usual(form, "devices", "{} devices"), unless_usual(form, "precision", "{}")]
    return ", ".join(filter(None, [" ".join(filter(None, parts)), *more]))


def repeats(form: Form) -> str:
    """Say how many runs it is."""
    if form.many is None:
        return f"one run, seed {form.values['seed']}"
    if form.many.waits:
        return form.many.waits
    if isinstance(form.many, GridDraft):
        return multiplied(form.many)
    return f"a search of {theme.plural(form.many.runs, 'run')}"


def stopping(form: Form) -> str:
    """Say when it ends: after its epochs, or by what comes first."""
    now = form.values
    measure = measure_of(now)

    def of(name: str, words: str) -> str:
        return value(form, name) if varies(form, name) else words if now[name] else ""

    better = "a better result" if varies(form, "best_by") else measure.better
    patience, retries = int(now["patience"]), int(now["retries_diverged"])
    ends = [
        of("goal", goal_words(form)),
        of("most_hours", f"after {time_words(now['most_hours'])}"),
        of("patience", f"after {theme.plural(patience, 'epoch')} without {better}"),
        of("stop_overfitting", "when it overfits"),
    ]
    if not any(ends):
        ends = ["after the last epoch"]
    elif varies(form, "epochs"):
        ends.insert(0, "after the last epoch")
    else:
        ends.insert(0, f"after {theme.plural(now['epochs'], 'epoch')}")
    often = {1: "once", 2: "twice"}.get(retries, f"{retries} times")
    retried = f"; if it diverges, it continues at a tenth of the rate, {often} at most"
    return ", or ".join(filter(None, ends)) + of("retries_diverged", retried)


def goal_words(form: Form) -> str:
    """Say at which figure of the validation it ends."""
    measure, goal = measure_of(form.values), form.values["goal"]
    if varies(form, "best_by"):
        return f"at a goal of {goal:g}"
    words = "" if measure.key == ACCURACY else f"{measure.words} "
    figure = f"{100 * goal:.6g}{NARROW}%" if measure.is_share else f"{goal:g}"
    return f"at {words}{figure} on validation"


WORDS: dict[str, Callable[[Form], str]] = {
    CHANGES: changes,
    LEARNING: learning,
    STARTING: starting,
    KEPT_BACK: kept_back,
    MACHINE: machine,
    REPEATS: repeats,
    STOPPING: stopping,
}
