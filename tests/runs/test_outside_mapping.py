"""What curves of other tools are taken for: names, units, epochs; and what a person may change."""

import pytest
from outside_files import brought_in, looked, text
from run_helpers import store_without_executor

from cifar_core.errors import ArchiveError, UnknownKeyError
from cifar_core.reading.curves import curves
from cifar_core.runs.exchange.curves import mapping
from cifar_core.runs.exchange.curves.targets import QUANTITIES, TARGETS, meaning


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.mark.parametrize(
    ("names", "target"),
    [
        ("loss/train train_loss Train/Loss trainLoss training_loss loss train/loss_epoch "
         "train_loss_step epoch_loss loss.train train/cross_entropy", "train_loss"),
        ("val_loss valid_loss eval/loss loss/validation Loss/val dev_loss validation/epoch_loss",
         "val_loss"),
        ("val/acc val_accuracy eval_accuracy eval_top1 val/acc@1 valAcc accuracy/validation "
         "Accuracy/val validation/epoch_accuracy val/top1 metrics/accuracy_top1 "
         "valid_categorical_accuracy val_prec1", "val_accuracy"),
        ("acc accuracy train_acc top1 train/accuracy", "train_accuracy"),
        ("test_acc test/accuracy accuracy/test", "test_accuracy"),
        ("val_balanced_accuracy balanced_accuracy/validation", "val_balanced_accuracy"),
        ("macro_f1/validation val_macro_f1", "val_macro_f1"),
        ("lr learning_rate train/learning_rate lr-Adam lr/pg0 lr-SGD/pg1", "learning_rate"),
        ("grad_norm train/grad_norm gradient_norm", "grad_norm"),
        ("epoch train/epoch", "epoch"),
        ("global_step trainer/global_step", "step"),
        ("_runtime system/gpu.0.temp system.cpu hp_metric", "left_out"),
        ("val_top5 eval_top5 aux_loss loss_scale val/ece train_val_loss f1 time", "other"),
    ],
)  # fmt: skip
def test_a_name_means_the_same_however_it_is_written(names, target):
    assert {name: meaning(name).target for name in names.split()} == dict.fromkeys(
        names.split(), target
    )


def test_every_quantity_of_the_table_is_one_of_ours():
    for quantity in QUANTITIES.values():
        assert quantity in TARGETS or f"val_{quantity}" in TARGETS


def choices(path, words):
    return mapping.proposed(looked(text(path / "a.csv", words)))


def test_percent_or_share_is_decided_by_the_whole_column(tmp_path):
    found = choices(tmp_path, "step,val_acc,train_acc\n1,0.4,0.5\n2,55,0.9\n")
    assert (found["val_acc"].percent, found["train_acc"].percent) == (True, False)
    assert found["val_acc"].why == "In percent: its highest value is 55."
    found = choices(tmp_path, "step,val_acc\n1,0.4\n2,155\n")
    assert found["val_acc"].target == "other"
    assert "neither a share nor percent" in found["val_acc"].why


def test_an_accuracy_without_a_part_is_validations_if_the_losses_name_theirs(tmp_path):
    found = choices(tmp_path, "epoch,train_loss,valid_loss,accuracy\n1,2,2,0.5\n")
    assert found["accuracy"].target == "val_accuracy"
    assert "does not say" in found["accuracy"].why
    found = choices(tmp_path, "epoch,loss,val_loss,accuracy,val_accuracy\n1,2,2,0.5,0.4\n")
    assert found["accuracy"].target == "train_accuracy"


def test_one_curve_of_a_run_has_a_meaning_the_one_with_most_points(tmp_path):
    words = "step,train_loss_step,train_loss_epoch\n1,2,\n2,1.8,\n3,1.6,1.8\n"
    found = choices(tmp_path, words)
    assert found["train_loss_step"].target == "train_loss"
    assert found["train_loss_epoch"].target == "other"
    assert "train_loss_step already" in found["train_loss_epoch"].why


def test_a_person_changes_what_a_curve_is_taken_for(tmp_path):
    found = looked(text(tmp_path / "a.csv", "step,ours\n1,50\n2,60\n"))
    changed = mapping.changed(found, mapping.proposed(found), {"ours": "val_accuracy"})
    assert (changed["ours"].target, changed["ours"].percent) == ("val_accuracy", True)
    with pytest.raises(UnknownKeyError):
        mapping.changed(found, mapping.proposed(found), {"ours": "nothing"})


def test_epochs_come_from_a_column(store, tmp_path):
    path = text(tmp_path / "a.csv", "step,epoch,val_acc\n10,1,0.4\n20,2,0.6\n30,3,0.5\n")
    (run,) = brought_in(store, path)
    assert [row["epoch"] for row in run.metrics()] == [1, 2, 3]
    assert (run.summary.best_epoch, run.summary.best_val_accuracy) == (2, 0.6)


def test_epochs_come_from_steps_per_epoch_if_a_person_gives_them(store, tmp_path):
    path = text(tmp_path / "a.csv", "step,val_acc\n10,0.4\n20,0.6\n")
    (run,) = brought_in(store, path)
    assert [row.get("epoch") for row in run.metrics()] == [None, None]
    (run,) = brought_in(store, path, steps_per_epoch=10)
    assert [row["epoch"] for row in run.metrics()] == [1, 2]
    for wrong in (-1, 1e18, float("nan")):
        with pytest.raises(ArchiveError, match="Steps per epoch"):
            brought_in(store, path, steps_per_epoch=wrong)


def test_a_file_with_epochs_only_has_steps_if_a_person_says_how_many(store, tmp_path):
    path = text(tmp_path / "a.csv", "epoch,val_acc\n0,0.4\n1,0.6\n")
    (run,) = brought_in(store, path)
    assert [row["epoch"] for row in run.metrics()] == [1, 2]  # complete ones
    (run,) = brought_in(store, path, steps_per_epoch=100)
    assert [(row["step"], row["epoch"]) for row in run.metrics()] == [(100, 1), (200, 2)]


def test_the_real_step_of_a_log_replaces_its_counter(store, tmp_path):
    path = text(tmp_path / "a.jsonl", '{"_step": 0, "trainer/global_step": 50, "train/loss": 2}\n'
                '{"_step": 1, "trainer/global_step": 100, "train/loss": 1}\n')  # fmt: skip
    (run,) = brought_in(store, path)
    assert [(row["step"], row["loss"]) for row in run.metrics()] == [(50, 2), (100, 1)]


def test_the_rows_become_the_curves_of_our_charts(store, tmp_path):
    words = "step,epoch,loss,val_acc,lr,mine\n1,1,2,,0.1,7\n2,1,1.5,45,0.1,\n3,2,,55,,8\n"
    (run,) = brought_in(store, text(tmp_path / "a.csv", words))
    drawn = curves(run.metrics())
    assert drawn.train_loss.tolist()[:2] == [2, 1.5]
    assert drawn.val_accuracy.tolist() == [0.45, 0.55]
    assert drawn.epoch.tolist() == [1, 2]
    assert drawn.best == 1
    own = [row for row in run.metrics() if row["kind"] == "curve"]
    assert [(row["name"], row["step"], row["value"]) for row in own] == [
        ("mine", 1, 7),
        ("mine", 3, 8),
    ]
