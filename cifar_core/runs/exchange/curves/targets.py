"""What a curve of another tool can become: a quantity of our own runs, or a curve of its own."""

import re
from dataclasses import dataclass

from cifar_core.registry import Registry

OTHER, LEFT_OUT, STEP, EPOCH = "other", "left_out", "step", "epoch"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A quantity."""

    key: str  # in curves.json; never renamed
    title: str
    summary: str
    row: str = ""  # the kind of row that holds it
    field: str = ""  # its name there
    is_share: bool = False  # in [0, 1]


TARGETS = Registry(
    "curve",
    [
        Target(key="train_loss", title="Training loss", summary="In nats.", row="step",
               field="loss"),
        Target(key="train_accuracy", title="Training accuracy", summary="A share.", row="step",
               field="accuracy", is_share=True),
        Target(key="val_loss", title="Validation loss", summary="In nats.", row="validation",
               field="val_loss"),
        Target(key="val_accuracy", title="Validation accuracy", summary="A share.",
               row="validation", field="val_accuracy", is_share=True),
        Target(key="val_balanced_accuracy", title="Validation balanced accuracy",
               summary="A share.", row="validation", field="val_balanced_accuracy", is_share=True),
        Target(key="val_macro_f1", title="Validation macro F1", summary="A share.",
               row="validation", field="val_macro_f1", is_share=True),
        Target(key="test_loss", title="Test loss", summary="In nats.", row="curve",
               field="test_loss"),
        Target(key="test_accuracy", title="Test accuracy", summary="A share.", row="curve",
               field="test_accuracy", is_share=True),
        Target(key="learning_rate", title="Learning rate", summary="As it was at each step.",
               row="step", field="learning_rate"),
        Target(key="grad_norm", title="Gradient norm", summary="Before clipping.", row="step",
               field="grad_norm"),
        Target(key="images_per_second", title="Images per second", summary="The speed.",
               row="step", field="images_per_second"),
        Target(key=EPOCH, title="The epoch", summary="Says in which epoch each step is."),
        Target(key=STEP, title="The step", summary="Says which step of the optimizer each row is."),
        Target(key=OTHER, title="A curve of its own", summary="Kept under its own name.",
               row="curve"),
        Target(key=LEFT_OUT, title="Left out", summary="Not imported."),
    ],
)  # fmt: skip

# The table of synonyms. A name is cut into words, at signs, capitals and digits; a word of NOISE is
# left out, one of PARTS says which images, and the rest must be in QUANTITIES.
PARTS = {
    **dict.fromkeys(("train", "training", "trn", "tr"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "eval", "evaluation", "dev"), "val"),
    **dict.fromkeys(("test", "testing"), "test"),
}
NOISE = {"epoch", "epochs", "step", "steps", "avg", "average", "mean", "metrics", "metric",
         "running", "scalars", "total", "perf", "performance"}  # fmt: skip
OPTIMIZERS = {"adam", "adamw", "sgd", "rmsprop", "group", "groups", "param", "pg"}
QUANTITIES = {
    **dict.fromkeys(("loss", "cross entropy", "cross entropy loss", "xent", "xent loss", "ce",
                     "ce loss", "nll", "nll loss"), "loss"),
    **dict.fromkeys(("accuracy", "acc", "top 1", "top1", "acc 1", "top 1 acc", "top 1 accuracy",
                     "acc top 1", "accuracy top 1", "prec 1", "precision 1",
                     "categorical accuracy", "sparse categorical accuracy", "acc 1 top",
                     "multiclass accuracy"), "accuracy"),
    **dict.fromkeys(("balanced accuracy", "balanced acc", "bal acc"), "balanced_accuracy"),
    **dict.fromkeys(("macro f 1", "f 1 macro", "f 1 score macro", "macro f 1 score"), "macro_f1"),
    **dict.fromkeys(("lr", "learning rate"), "learning_rate"),
    **dict.fromkeys(("grad norm", "gradient norm", "global grad norm"), "grad_norm"),
    **dict.fromkeys(("images per second", "img per sec", "samples per second", "imgs per sec"),
                    "images_per_second"),
}  # fmt: skip
EXACT = {  # names that mean something else than their words say
    "metrics/accuracy_top1": "val_accuracy",  # Ultralytics, which measures it in validation
    "metrics/accuracy_top5": OTHER,
    "hp_metric": LEFT_OUT,  # a constant that Lightning writes
    "train/train_loss": "train_loss",
    **dict.fromkeys(("global_step", "trainer/global_step", "train/global_step"), STEP),
    **dict.fromkeys(("epoch", "epochs", "train/epoch", "trainer/epoch"), EPOCH),
}
HIDDEN = re.compile(r"_(?:runtime|timestamp|step|wandb.*)|system[/.].*|gradients/.*|parameters/.*")
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
ANY_PART = ("learning_rate", "grad_norm", "images_per_second")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a name means."""

    target: str  # a key of TARGETS
    part_said: bool = True  # whether the name says on which images it was measured


def meaning(name: str) -> Meaning:
    """Return what the name of a curve means; a curve of its own if its words are not known."""
    low = name.strip().lower()
    if low in EXACT:
        return Meaning(target=EXACT[low])
    if HIDDEN.fullmatch(low):
        return Meaning(target=LEFT_OUT)
    words = [word.lower() for word in WORDS.findall(name)]
    parts = list(dict.fromkeys(PARTS[word] for word in words if word in PARTS))
    rest = [word for word in words if word not in PARTS and word not in NOISE]
    if rest[:1] == ["lr"] or rest[:2] == ["learning", "rate"]:
        rest = [word for word in rest if word not in OPTIMIZERS and not word.isdecimal()]
    quantity = QUANTITIES.get(" ".join(rest))
    if quantity in ANY_PART:
        return Meaning(target=quantity or OTHER)
    part = parts[0] if len(parts) == 1 else "" if parts else "train"
    target = f"{part}_{quantity}"
    if quantity is None or target not in TARGETS:
        known = quantity in ("balanced_accuracy", "macro_f1") and not parts
        return Meaning(target=f"val_{quantity}" if known else OTHER, part_said=False)
    return Meaning(target=target, part_said=bool(parts))
