"""The measure of the best epoch and the figures of uneven classes, from the worker to the lists."""

import csv
import io

import numpy as np
import pytest
from pages import make_run
from run_helpers import SMALL, attempt, store_without_executor, timeless, weights_of
from test_runs_worker import work_until

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.evaluation.measures import MEASURES
from cifar_core.report.document import compose
from cifar_core.report.markdown import as_markdown
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.run_filter import parse
from cifar_core.runs.listing.table import USUAL, with_balanced
from cifar_core.runs.record import checkpoints
from cifar_core.runs.record.summary import best_value, fold
from cifar_core.runs.results.comparison import balanced_words, compare_pairs, headline
from cifar_core.runs.results.predictions import Predictions
from cifar_core.runs.sweeps.sweep_results import CellResult
from cifar_core.terminal.runs import epoch_line

DATA = {"train_counts": [900, 20], "val_counts": [97, 3], "test_counts": [194, 6],
        "classes": ["cat", "dog"]}  # fmt: skip
FIGURES = {
    "best_val_balanced_accuracy": 0.61, "best_val_macro_f1": 0.58, "best_val_loss": 0.4,
    "test_balanced_accuracy": 0.62, "test_macro_f1": 0.57,
}  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("uneven") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def uneven(store):
    run = make_run(store, "Uneven", best_by="balanced_accuracy")
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | DATA})
    files.edit(run.path / "summary.json", dict, lambda old: FIGURES)
    return run


@pytest.fixture(scope="module")
def even(store):
    return make_run(store, "Even")


@pytest.mark.parametrize("key", [key for key in MEASURES if key != "accuracy"])
def test_a_run_keeps_tests_and_resumes_the_epoch_that_its_measure_chose(store, key):
    whole, cut = (store.create(TrainConfig(**SMALL, best_by=key, order="balanced")) for _ in "12")
    assert attempt(whole, 1).work().outcome == "finished"
    work_until(attempt(cut, 1), 13)
    result = attempt(cut, 2).work()
    assert timeless(cut.metrics()) == timeless(whole.metrics())
    assert weights_of(cut, "best") == weights_of(whole, "best")

    measure, epochs = MEASURES[key], [r for r in cut.metrics() if r["kind"] == "epoch"]
    worths = [measure.worth(row[measure.row_name]) for row in epochs]
    best = worths.index(max(worths)) + 1
    assert cut.checkpoint("best").epoch == cut.summary.best_epoch == best
    value = epochs[best - 1][measure.row_name]
    assert best_value(cut.summary, measure) == value
    words = f"best validation {measure.words} {measure.written(value)} at epoch {best}, test "
    assert words + measure.words in result.message
    (cut.path / "best").unlink()
    if worths.count(max(worths)) == 1 and best in [c.epoch for c in cut.checkpoints()]:
        assert cut.checkpoint("best").epoch == best  # the manifests say the same


def test_checkpoints_are_ordered_by_their_worth_or_in_earlier_versions_by_accuracy(tmp_path):
    manifests = [{"step": n, "epoch": n, "attempt": 1, "val_accuracy": accuracy, "files": {}}
                 for n, accuracy in ((1, 0.4), (2, 0.6), (3, 0.6), (4, None))]  # fmt: skip
    infos = [checkpoints.info(tmp_path / str(m["step"]), m, "") for m in manifests]
    assert [one.step for one in checkpoints.best_first(infos)] == [2, 3, 1, 4]
    infos = [checkpoints.info(tmp_path / str(m["step"]), {**m, "worth": -m["step"]}, "")
             for m in manifests]  # fmt: skip
    assert [one.step for one in checkpoints.best_first(infos)] == [1, 2, 3, 4]


def test_rows_of_earlier_versions_have_no_figures_of_uneven_classes():
    row = {"kind": "epoch", "step": 5, "epoch": 1, "train_loss": 1.0, "train_accuracy": 0.5,
           "val_loss": 1.0, "val_accuracy": 0.5, "best": True}  # fmt: skip
    summary = fold([row], 5)
    assert summary.best_val_accuracy == 0.5
    assert summary.best_val_loss == 1.0
    assert summary.best_val_balanced_accuracy is None


def test_the_list_shows_the_balanced_accuracy_only_if_classes_are_uneven(store, uneven, even):
    rows = {row.name: row for row in store.runs()}
    assert with_balanced(USUAL, [rows["Even"]]) == list(USUAL)
    columns = with_balanced(USUAL, [rows["Even"], rows["Uneven"]])
    assert columns[columns.index("best") + 1] == "balanced"
    assert COLUMNS["balanced"].of(rows["Uneven"]) == 0.61
    assert COLUMNS["balanced"].of(rows["Even"]) is None
    chosen = parse("balanced>60 f1<59 best_by:balanced", list(rows["Uneven"].settings))
    assert [name for name, row in rows.items() if chosen.matches(row)] == ["Uneven"]


def test_a_report_gives_both_figures_and_what_chose_the_epoch(uneven, even):
    said = as_markdown(compose([uneven, even])).replace("\xa0", " ")
    assert "by balanced accuracy" in said
    assert "61.00 % in validation, 62.00 % on test" in said
    assert "The balanced accuracy is 62.0 %, the macro F1 57.0 %" in said
    alone = as_markdown(compose([even])).replace("\xa0", " ")
    assert "balanced" not in alone.lower()


def test_the_terminal_adds_the_balanced_accuracy_of_an_epoch_to_uneven_runs():
    row = {"epoch": 1, "train_loss": 1.0, "val_loss": 1.0, "val_accuracy": 0.9, "seconds": 1.0,
           "val_balanced_accuracy": 0.5}  # fmt: skip
    assert "balanced 50" in epoch_line(row, uneven=True)
    assert "balanced" not in epoch_line(row)
    assert "balanced" not in epoch_line({**row, "val_balanced_accuracy": None}, uneven=True)


def test_a_sweep_averages_the_balanced_accuracy_over_its_seeds(store, uneven):
    row = next(row for row in store.runs() if row.name == "Uneven")
    cell = CellResult(place=0, title="x", changes={}, rows=[row])
    assert cell.balanced.mean == 0.61


def test_a_comparison_gives_balanced_accuracies_where_classes_are_uneven(uneven, even):
    labels = np.repeat([0, 1], [97, 3])

    def predictions(run, answers):
        return Predictions(run=run, checkpoint="", part="val", classes=("cat", "dog"),
                           indexes=np.arange(100), labels=labels,
                           logits=np.eye(2, dtype=np.float32)[answers])  # fmt: skip

    both = [predictions(uneven, np.zeros(100, int)), predictions(even, labels)]
    words = balanced_words(both, "val").replace("\xa0", " ")
    assert "right for 97.0 % of the validation images" in words
    assert f"Balanced accuracy: #{uneven.number} 50.0 %, #{even.number} 100.0 %." in words
    other = np.where(labels == 1, 1, (np.arange(100) < 20).astype(int))  # all dogs, 77 cats
    disputed = [both[0], predictions(even, other)]
    (pair,) = compare_pairs(disputed)
    said = headline(uneven, [pair])
    assert said.startswith(f"#{uneven.number} is right more often than #{even.number}")
    assert said.endswith(f"but #{even.number} has the higher balanced accuracy.")
    assert pair.seen_from(even).is_disputed
    assert "is ranked differently" in headline(uneven, [pair, pair])
    labels[:] = np.arange(100) % 2
    assert balanced_words(both, "val") == ""


def test_the_csv_of_runs_has_the_figures(store, uneven):
    from cifar_core.disk.tables import as_csv
    from cifar_core.runs.listing.table import table

    columns = ["name", "balanced", "f1", "test_balanced", "test_f1"]
    lines = list(csv.DictReader(io.StringIO(as_csv(table(store.runs(), columns), columns))))
    (line,) = [line for line in lines if line["name"] == "Uneven"]
    assert [line[column] for column in columns[1:]] == ["0.61", "0.58", "0.62", "0.57"]
