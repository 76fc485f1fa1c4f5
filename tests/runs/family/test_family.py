"""The family tree of a run, and its ancestors in a zip."""

import dataclasses
import zipfile

import pytest
from pages import make_run
from run_helpers import SMALL, attempt, store_without_executor, timeless, weights_of

from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import ArchiveError, RunError
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.exchange.run_zip import export_run
from cifar_core.runs.family import start_from, train_on, tree
from cifar_core.runs.family.joins import joins
from cifar_core.runs.family.teachers import of_run
from cifar_core.runs.record import checkpoints, status
from cifar_core.runs.record.family.ancestors import CLONE, CONTINUES, TEACHER, WEIGHTS
from cifar_core.runs.results import verify


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def trained(run):
    assert attempt(run).work().outcome == "finished"
    status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))
    return run


def child_of(store, **settings):
    first = trained(store.create(TrainConfig(**{**SMALL, "epochs": 1}), name="One"))
    return trained(train_on.create(store, train_on.plan(first, epochs=1, **settings)))


def zipped(run, tmp_path, weights="all"):
    target = tmp_path / "run.zip"
    export_run(run, target, weights)
    return target


def test_a_family_names_every_link_also_of_runs_that_are_gone(store):
    settings = {"data": "synthetic", "epochs": 2}
    first = make_run(store, "First", **settings)
    second = train_on.create(store, train_on.plan(first, epochs=2))
    fill = start_from.filler(start=(first, "best"), teachers=[(second, "last")])
    learns = dataclasses.replace(first.config, distill_share=0.5)
    third = store.create(learns, name="Third", fill=fill)
    clone = store.create(first.config, name="Clone", parent=third.id)
    make_run(store, "Stranger", **settings)
    family = tree.family(store, third)
    assert [(one.run, one.generation) for one in family.relatives] == [
        (first.id, -2), (second.id, -1), (third.id, 0), (clone.id, 1)
    ]  # fmt: skip
    assert {(link.how, link.older, link.younger) for link in family.links} == {
        (CONTINUES, first.id, second.id),
        (WEIGHTS, first.id, third.id),
        (TEACHER, second.id, third.id),
        (CLONE, third.id, clone.id),
    }
    store.delete(first)
    store.empty_trash(older_than_days=-1)
    gone = tree.family(store, third).relatives[0]
    assert (gone.run, gone.name, gone.row) == (first.id, "First", None)
    said = [tree.words(family.relatives, link) for link in family.links]
    assert "Third learns from First, trained on to epoch 4 (epoch 2)." in said
    assert tree.family(store, store.run("5")).is_alone


def test_a_family_that_forms_a_circle_is_still_drawn(store):
    one, other = (make_run(store, name) for name in ("One", "Other"))
    one.edit_about(parent=other.id)
    other.edit_about(parent=one.id)
    family = tree.family(store, one)
    assert {relative.run for relative in family.relatives} == {one.id, other.id}


def test_a_child_in_a_zip_can_be_repeated_elsewhere(store, tmp_path):
    child = child_of(store)
    copy = import_run(store, zipped(child, tmp_path))
    assert copy.about.start == child.about.start
    assert timeless(copy.metrics()) == timeless(child.metrics())
    assert weights_of(copy) == weights_of(child)
    assert verify.verify(copy, steps=2).equal
    longer = trained(train_on.create(store, train_on.plan(copy, epochs=1)))
    assert longer.summary.epochs_done == 3


def test_a_run_of_another_store_is_never_taken_for_one_with_its_id_here(store, tmp_path):
    first = trained(store.create(TrainConfig(**{**SMALL, "epochs": 1}), name="One"))
    fill = start_from.filler(teachers=[(first, "best")])
    config = TrainConfig(**{**SMALL, "epochs": 1, "distill_share": 0.5})
    taught = store.create(config, name="Taught", fill=fill)
    child = trained(train_on.create(store, train_on.plan(first, epochs=1)))
    with store_without_executor(tmp_path / "other") as other:
        own = trained(other.create(TrainConfig(**{**SMALL, "epochs": 1, "seed": 5}), name="One"))
        assert (own.id, own.checkpoint("best").name) == (first.id, first.checkpoint("best").name)
        copies = [import_run(other, zipped(run, tmp_path)) for run in (taught, child)]
        assert tree.family(other, own).is_alone
        for copy in copies:
            (older, _), (link,) = tree.family(other, copy).relatives, tree.family(other, copy).links
            assert (older.name, older.row, link.older) == ("One", None, older.run)
        longer = train_on.create(other, train_on.plan(copies[1], epochs=1))
        assert [join.name for join in joins(longer)] == ["One", f"#{copies[1].number}"]
        (teacher,) = of_run(copies[0])
        fill = start_from.filler(start=(own, "best"), teachers=[teacher])
        mixed = of_run(other.create(config, fill=fill))
        assert [weights_of(*one) for one in mixed] == [weights_of(first, "best")]
        again = import_run(store, zipped(copies[1], tmp_path))
        assert again.about.start == copies[1].about.start
    assert verify.verify(again, steps=2).equal


def test_a_zip_without_its_ancestors_says_what_it_lacks(store, tmp_path):
    copy = import_run(store, zipped(child_of(store), tmp_path, "best"))
    assert not (copy.path / "ancestors").exists()
    with pytest.raises(RunError, match="export the run again with them"):
        verify.verify(copy)


def changed(path, change):
    """Write a zip anew with other members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(members).items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("run", ["../../x", "..", "1-one/..", "/etc", "1-ONE", "1-one\n"])
def test_a_start_that_is_no_plain_id_is_refused(store, tmp_path, run):
    def elsewhere(members):
        about = files.unchecked(members["about.json"].decode())
        about["start"]["run"] = run
        return {**members, "about.json": files.as_text(about)}

    path = changed(zipped(child_of(store), tmp_path), elsewhere)
    with pytest.raises(ArchiveError, match="which no run writes"):
        import_run(store, path)


@pytest.mark.parametrize(
    "name", ["ancestors/../config.json", "ancestors/1-one/../../x.json", "ancestors/1-one/x.py"]
)
def test_a_file_beside_an_ancestor_is_refused(store, tmp_path, name):
    path = changed(zipped(child_of(store), tmp_path), lambda members: {**members, name: "{}"})
    with pytest.raises(ArchiveError, match="not a file of a run"):
        import_run(store, path)


def test_a_damaged_ancestor_is_refused_and_a_stranger_left_out(store, tmp_path):
    child = child_of(store)
    weights = next(
        str(p.relative_to(child.path)) for p in child.path.glob("ancestors/*/*/*/model.safetensors")
    )

    def damaged(members):
        return {**members, weights: members[weights][:-1] + b"!"}

    def with_stranger(members):
        return {**members, "ancestors/7-stranger/config.json": "{}"}

    with pytest.raises(ArchiveError, match="is damaged"):
        import_run(store, changed(zipped(child, tmp_path), damaged))
    copy = import_run(store, changed(zipped(child, tmp_path), with_stranger))
    assert [path.name for path in (copy.path / "ancestors").iterdir()] == ["1-one"]


def test_a_progress_that_makes_no_sense_is_refused_in_words(store, tmp_path):
    run = make_run(store, "First")
    info = run.checkpoint("last")
    for progress in ("much", {"step": -1, "epoch": 1, "best": {}}, None):
        manifest = {**info.manifest, "meta": {"progress": progress}}
        files.write_json(info.path / "manifest.json", checkpoints.seal(manifest))
        with pytest.raises(RunError, match="does not say how far"):
            train_on.plan(run, epochs=1)
