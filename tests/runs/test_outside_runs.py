"""A run with imported curves: what is on the disk, and that nothing takes it for a training."""

import json

import pytest
from outside_files import EXAMPLES, brought_in, text
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.__main__ import main
from cifar_core.disk import files
from cifar_core.errors import AccessError, ArchiveError, RunError
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.report.lab import lab_runs
from cifar_core.runs import CURVES, Store
from cifar_core.runs.listing import run_filter, seed_groups
from cifar_core.runs.listing.goals import goals
from cifar_core.runs.record import action_log
from cifar_core.runs.record.computed.how import DataRecord
from cifar_core.runs.record.imported.curves_record import NAME, CurvesRecord
from cifar_core.runs.results.side_by_side import about_curves_only, facts
from cifar_core.runs.store.damage import damages

TABLE = "step,epoch,loss,val_acc,test_acc,extra\n10,1,2,40,41,1\n20,2,1,60,61,2\n"


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


@pytest.fixture
def run(store, tmp_path):
    (run,) = brought_in(store, text(tmp_path / "theirs.csv", TABLE))
    return run


def test_a_run_is_finished_whole_and_says_where_it_comes_from(run):
    assert (run.kind, run.status.state) == (CURVES, "finished")
    assert damages(run, thorough=True) == []
    origin = run.about.imported
    assert (origin.tool, origin.file, origin.name) == ("csv", "theirs.csv", "theirs")
    record = files.read(run.path / NAME, CurvesRecord)
    kept = {curve.name: curve.target for curve in record.curves}
    assert kept["val_acc"] == "val_accuracy"
    assert not (run.path / "config.json").exists()
    assert run.checkpoints() == []
    assert not list(run.path.parent.glob(".draft*"))


def test_its_row_is_not_damaged_and_says_what_it_has(store, run):
    (row,) = store.runs()
    assert (row.kind, row.damaged, row.model, row.data_title) == (CURVES, False, "", "")
    assert (row.best_val_accuracy, row.best_epoch, row.test_accuracy) == (0.6, 2, 0.61)
    assert row.sparkline == [0.4, 0.6]
    (run.path / NAME).unlink()
    store.index.path.unlink()
    (row,) = store.runs()
    assert row.damaged
    assert damages(run) == [f"{NAME} is missing."]


def test_the_filter_finds_it_by_its_kind(store, run):
    make_run(store)
    kind = run_filter.parse("kind:curves")
    assert [row.number for row in store.runs() if kind.matches(row)] == [run.number]


@pytest.mark.parametrize(
    "act",
    [
        lambda run: run.config,
        lambda run: run.resume(),
        lambda run: run.ask_profile(),
        lambda run: run.checkpoint("best"),
    ],
)
def test_what_needs_settings_or_weights_is_refused_with_a_sentence(run, act):
    with pytest.raises(RunError, match="only curves that were imported from another tool"):
        act(run)
    assert run.status.state == "finished"


def test_it_stays_in_the_queue_of_nobody(store, run):
    store.submit(run)
    run.stop()
    run.pause()
    assert run.status.state == "finished"
    assert store.queue() == []


def test_it_is_not_among_goals_lab_runs_or_groups_of_seeds(store, tmp_path):
    for name in ("a", "b"):
        brought_in(store, text(tmp_path / f"{name}.csv", TABLE))
    rows = store.runs()
    assert goals(DataRecord(), rows) == []
    assert lab_runs(store).trained == ()
    assert [len(group.rows) for group in seed_groups.grouped(rows)] == [1, 1]


def test_a_comparison_says_that_there_is_no_verdict(store, run):
    other = make_run(store)
    said = about_curves_only([facts(run), facts(other)])
    assert said.startswith(f"#{run.number} has only curves")
    assert about_curves_only([facts(other)]) == ""


def test_it_can_be_deleted_restored_renamed_and_marked(store, run):
    run.rename("Another")
    store.delete(run)
    assert store.restore(run).name == "Another"


def test_several_runs_are_imported_at_once_and_written_down(store, tmp_path):
    runs = brought_in(store, EXAMPLES["tensorboard"](tmp_path))
    assert [run.name for run in runs] == ["alpha", "beta"]
    log = action_log.latest(store.root)
    assert [(action.did, action.run) for action in log] == [
        ("imported", run.id) for run in reversed(runs)
    ]


def test_a_viewer_may_not_import_and_nothing_is_left(store, tmp_path):
    path = text(tmp_path / "a.csv", TABLE)
    viewer = Store(store.root, Person(name="v", role=VIEWER))
    with pytest.raises(AccessError):
        brought_in(viewer, path)
    assert store.runs() == []
    guest = Store(store.root, Person(name="g", role=OPERATOR))
    (run,) = brought_in(guest, path)
    assert run.owner == "g"


def test_a_run_of_which_all_is_left_out_is_refused_before_any_is_made(store, tmp_path):
    path = text(tmp_path / "a.csv", "run,step,loss\na,1,2\nb,1,2\n")
    with pytest.raises(ArchiveError, match="left out"):
        brought_in(store, path, {"loss": "left_out"})
    assert store.runs() == []


def test_the_terminal_imports_and_compares(store, tmp_path, capsys):
    path = text(tmp_path / "theirs.csv", "step,mine\n10,40\n20,60\n")
    base = ["--store", str(store.root)]
    assert main([*base, "import", str(path), "--take", "mine=val_accuracy",
                 "--steps-per-epoch", "10"]) == 0  # fmt: skip
    said = capsys.readouterr()
    assert said.out == "1-theirs\n"
    assert "mine: Validation accuracy (percent), 2 points." in said.err
    run = store.run(1)
    assert (run.summary.best_val_accuracy, run.summary.best_epoch) == (0.6, 2)
    make_run(store)
    assert main([*base, "compare", "1", "2"]) == 0
    assert "#1 has only curves" in capsys.readouterr().out
    assert main([*base, "show", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["damages"] == []


def test_the_terminal_says_what_is_wrong(store, tmp_path, capsys):
    path = text(tmp_path / "theirs.csv", "step,mine\n10,40\n")
    base = ["--store", str(store.root), "import"]
    for words, why in {
        (str(tmp_path / "none"),): "There is no file",
        (str(path), "--take", "mine"): "NAME=CURVE",
        (str(path), "--take", "min=val_loss"): "Did you mean 'mine'",
        (str(path), "--take", "mine=val_los"): "no curve called",
        (str(path), "--as", "tensorboard"): "has no curve",
    }.items():
        assert main([*base, *words]) != 0
        assert why in capsys.readouterr().err
    assert store.runs() == []


REFUSED = ["read", "resume", "profile", "report", "verify", "reproduce", "evaluate", "export",
           "export-model"]  # fmt: skip


@pytest.mark.parametrize("command", REFUSED)
def test_commands_that_need_more_than_curves_say_why(command, run, capsys):
    assert main(["--store", str(run.store_root), command, "1"]) != 0
    assert "only curves that were imported from another tool" in capsys.readouterr().err
