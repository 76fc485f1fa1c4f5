import pytest

from cifar_core.config import TrainConfig
from cifar_core.numbers import counted
from cifar_core.reading import Situation, read
from cifar_core.reading.curves import curves


@pytest.mark.parametrize(
    ("number", "form", "written"),
    [
        (1, ",.12g", "1 epoch"),
        (0, ",.12g", "0 epochs"),
        (12345, ",.12g", "12,345 epochs"),
        (0.999, ".2g", "1 epoch"),
        (1.04, ".3g", "1.04 epochs"),
    ],
)
def test_a_noun_goes_by_the_number_that_is_written(number, form, written):
    assert counted(number, "epoch", form) == written


def rows(epochs):
    for number in range(1, epochs + 1):
        for step in (number * 10 - 5, number * 10):
            yield {"kind": "step", "step": step, "epoch": step / 10, "loss": 2.3, "accuracy": 0.1}
        yield {"kind": "epoch", "step": number * 10, "epoch": number, "train_loss": 2.3,
               "train_accuracy": 0.1, "val_loss": 2.3, "val_accuracy": 0.1}  # fmt: skip


@pytest.mark.parametrize(
    ("done", "state", "settings"),
    [
        (1, "finished", {"epochs": 1}),
        (1, "running", {"epochs": 9}),
        (2, "finished", {"epochs": 9, "patience": 1}),
    ],
)
def test_a_reading_never_speaks_of_1_epochs(done, state, settings):
    reading = read(curves(list(rows(done))), Situation(state=state, settings=settings))
    said = " ".join([reading.headline, *(one.sentence for one in reading.findings)])
    assert "1 epoch" in said
    assert "1 epochs" not in said


def test_a_plan_of_one_epoch_is_called_one():
    with pytest.raises(Exception, match=r"only 1 epoch, so"):
        TrainConfig(model="mobilenet_v2_imagenet", plan="gradual", head_epochs=1, epochs=1)
