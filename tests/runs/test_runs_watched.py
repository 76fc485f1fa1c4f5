"""watched.jsonl: each epoch once, whatever happened to the run, and the same images."""

import io
import json
import zipfile

import pytest
from run_helpers import SMALL, attempt, store_without_executor

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import ArchiveError
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.exchange.run_zip import export_run
from cifar_core.runs.record import metrics, status
from cifar_core.runs.record.watched import rows as watched
from cifar_core.runs.results.predictions import kept


class PulledPlugError(Exception):
    """Stands for a power cut."""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("watched") / "store") as store:
        yield store


def new_run(store):
    return store.create(TrainConfig(**SMALL))


@pytest.fixture(scope="module")
def whole(store):
    """A run that nothing interrupts."""
    run = new_run(store)
    attempt(run).work()
    status.move(run.path, ("draft",), "finished", attempt=1)
    return run


def timeless(rows):
    return [{**files.plain_of(row), "t": 0} for row in rows]


def test_each_epoch_has_a_row_that_agrees_with_the_kept_predictions(store, whole):
    rows = watched.read(whole.path)
    assert [row.epoch for row in rows] == [1, 2, 3]
    assert [len(row.images) for row in rows] == [8, 16, 16]
    assert rows[1].images == rows[2].images
    assert rows[1].images[:8] == rows[0].images
    saved = kept(whole, "val", "last")
    places = [saved.indexes.tolist().index(image) for image in rows[2].images]
    assert rows[2].predicted == saved.predicted[places].tolist()
    assert rows[2].labels == saved.labels[places].tolist()
    dataset = data.load(whole.source, store.root)
    assert rows[2].labels == dataset.train.labels[rows[2].images].tolist()
    right = sum(rows[2].counts[:: rows[2].classes + 1])
    accuracy = [row["val_accuracy"] for row in whole.metrics() if row["kind"] == "epoch"][-1]
    assert right / sum(rows[2].counts) == pytest.approx(accuracy)


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_run_watches_the_same_images_and_has_each_epoch_once(store, whole, after):
    run = new_run(store)
    worker = attempt(run, 1)
    add, seen = worker.watched.add, []

    def add_or_die(row):
        add(row)
        seen.append(row)
        if len(seen) > after:  # written, but not covered by a checkpoint
            raise PulledPlugError

    worker.watched.add = add_or_die
    with pytest.raises(PulledPlugError):
        worker.work()
    attempt(run, 2).work()
    assert files.read(metrics.attempt_folder(run.path, 2) / "start.json", dict)["step"] > 0
    assert timeless(watched.read(run.path)) == timeless(watched.read(whole.path))


def test_rows_after_the_checkpoint_are_superseded(tmp_path):
    row = {"images": [1], "labels": [0], "predicted": [1], "counts": [0, 1, 0, 0]}
    for number, epochs, start in (
        (1, (1, 2, 3), {"step": 0}),
        (2, (3,), {"step": 20, "from_attempt": 1}),
    ):
        folder = metrics.attempt_folder(tmp_path, number)
        folder.mkdir(parents=True)
        files.write_json(folder / "start.json", {"checkpoint": "x", **start})
        for epoch in epochs:
            line = {**row, "epoch": epoch, "step": 10 * epoch, "predicted": [number]}
            files.append_line(watched.path_of(tmp_path, number), line)
    found = watched.read(tmp_path)
    assert [(row.epoch, row.predicted) for row in found] == [(1, [1]), (2, [1]), (3, [2])]


def test_a_run_without_a_sound_start_has_no_rows(tmp_path):
    assert watched.read(tmp_path) == []
    metrics.attempt_folder(tmp_path, 1).mkdir(parents=True)
    assert watched.read(tmp_path) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": [1, 2]},
        {"images": [-1]},
        {"counts": [1, 2, 3]},
        {"epoch": "x"},
        {"predicted": [10**9]},
        {"pairs": [[1, 2]]},
    ],
)
def test_a_row_that_does_not_fit_together_is_none(changes):
    row = {"step": 1, "epoch": 1, "images": [1], "labels": [0], "predicted": [1]}
    assert watched.is_like_a_row(row)
    assert not watched.is_like_a_row({**row, **changes})


def test_the_worst_pairs_come_first():
    row = watched.WatchedEpoch(
        step=1, epoch=1, images=[4], labels=[1], predicted=[1], counts=[5, 2, 7, 3]
    )
    assert row.worst == [(1, 0, 7), (0, 1, 2)]
    assert row.right == {4: True}


def exported(run):
    file = io.BytesIO()
    export_run(run, file)
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def test_it_goes_into_the_zip_and_comes_back(store, whole):
    run = import_run(store, packed(exported(whole)))
    assert watched.read(run.path) == watched.read(whole.path)


@pytest.mark.parametrize("line", ["[]", '{"epoch": 1}', "[" * 100_000])
def test_a_row_that_no_trainer_writes_is_refused(store, whole, line):
    members, name = exported(whole), "attempts/1/watched.jsonl"
    members[name] += line.encode() + b"\n"
    with pytest.raises(ArchiveError, match="no trainer"):
        import_run(store, packed(members))


def test_a_row_is_short(whole):
    lines = watched.path_of(whole.path, 1).read_bytes().splitlines()
    assert max(map(len, lines)) < 800
    assert json.loads(lines[0])["epoch"] == 1
