"""Deleting, restoring and emptying: on a full disk, killed midway, and with copies made by hand."""

import os
import shutil
import signal

import pytest
from pages import make_run, open_page, texts
from run_helpers import QUICK, queued, store_without_executor

from cifar_core.__main__ import main
from cifar_core.disk import files, removal, space
from cifar_core.errors import DiskFullError, RunError
from cifar_core.runs.record import control, status
from cifar_core.runs.store import retention


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


@pytest.fixture
def full(monkeypatch):
    """Return what makes the disk full for all small files: forever, or until a file is gone."""

    def fill(until_gone=None):
        def is_full():
            return until_gone is None or until_gone.exists()

        def refuse(path, *_, **__):
            if is_full():
                raise DiskFullError("a small file", 100, 0)
            return real(path, *_, **__)

        real = files.write_atomic
        monkeypatch.setattr(files, "write_atomic", refuse)
        monkeypatch.setattr(space, "free_bytes", lambda _: 0 if is_full() else 10**9)

    return fill


def test_a_run_is_deleted_without_a_byte_to_spare(store, full):
    run = queued(store)
    full()
    store.delete(run)
    assert store.runs() == []
    assert [row.id for row in store.trash()] == [run.id]
    assert store.empty_trash(older_than_days=0) == 1
    assert store.trash_size() == 0


def test_a_waiting_run_deleted_on_a_full_disk_does_not_start_when_it_is_restored(
    store, full, monkeypatch
):
    run = queued(store)
    with monkeypatch.context() as patch:
        patch.setattr(files, "write_json", no_room)
        store.delete(run)
    assert status.read(store.root / "trash" / run.id).state == "queued"
    store.restore(run)
    assert run.status.state == "stopped"
    assert not (run.path / "deleted.json").exists()


def no_room(*_, **__):
    raise DiskFullError("a small file", 100, 0)


def test_a_store_keeps_a_reserve(store):
    store.create(QUICK)
    assert (store.root / ".reserve").stat().st_size == space.RESERVE_BYTES
    space.release_reserve(store.root)  # there is room, so it stays
    assert (store.root / ".reserve").exists()


def test_a_live_run_is_stopped_on_a_full_disk(store, full):
    run = queued(store)
    status.move(run.path, ("queued",), "running", attempt=1)
    full(until_gone=store.root / ".reserve")
    run.stop("now")
    assert control.read(run.path).request == "now"


def test_a_run_in_the_trash_is_whole_or_gone_whenever_emptying_is_killed(store):
    for name in ("first", "second"):
        run = store.create(QUICK, name=name)
        for number in range(20):
            (run.path / f"file-{number:02}").write_text("x")
        store.delete(run)
    whole = {path.name: len(list(path.iterdir())) for path in (store.root / "trash").iterdir()}
    for after in (1, 5, 30):
        child = os.fork()
        if not child:
            killed_after(after, store)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        for row in store.trash():
            assert len(list((store.root / "trash" / row.id).iterdir())) == whole[row.id]
    with pytest.raises(RunError, match="There is no deleted run"):
        store.restore("1-first")
    store.empty_trash(older_than_days=0)
    assert list((store.root / "trash").iterdir()) == []


def killed_after(files_gone, store):
    """Empty the trash in this process, and die when so many files are gone."""
    unlink, count = os.unlink, 0

    def count_down(*arguments, **options):
        nonlocal count
        unlink(*arguments, **options)
        count += 1
        if count == files_gone:
            os.kill(os.getpid(), signal.SIGKILL)

    os.unlink = count_down
    store.empty_trash(older_than_days=0)
    os._exit(3)


def test_half_deleted_folders_are_tidied_later(store):
    left = store.root / "trash" / f"{removal.GONE}1-x-1-1"
    left.mkdir(parents=True)
    os.utime(left, (0, 0))
    assert [one.path for one in retention.unneeded(store)] == [left]
    retention.tidy(store)
    assert not left.exists()


@pytest.fixture
def copied(store):
    """Return a run and the copy that somebody made of its folder."""
    run = store.create(QUICK, name="mine", marks={"sweep": "1-sweep", "cell": 2})
    copy = run.path.with_name(f"{run.id} copy")
    shutil.copytree(run.path, copy)
    return run, store.run(copy.name)


def test_a_copied_folder_is_said_and_never_taken_silently(store, copied, capsys):
    run, copy = copied
    assert [twins.folders for twins in store.twins()] == [(run.path, copy.path)]
    with pytest.raises(RunError, match="2 runs have the number 1: 1-mine, 1-mine copy"):
        store.run(1)
    assert main(["renumber", copy.id, "--store", str(store.root)]) == 0
    assert capsys.readouterr().out == "2-mine-copy\n"
    assert store.twins() == []
    assert store.run(1) == run
    renamed = store.run(2)
    assert (renamed.about.sweep, renamed.about.cell, renamed.about.parent) == ("", 0, copy.id)
    assert (run.about.sweep, run.about.cell) == ("1-sweep", 2)


@pytest.mark.parametrize("act", ["delete", "restore"])
def test_an_id_that_is_there_twice_is_refused_and_nothing_changes(store, act):
    run = store.create(QUICK, name="mine")
    (store.root / "trash").mkdir()
    shutil.copytree(run.path, store.root / "trash" / run.id)
    before = sorted(path.name for path in run.path.iterdir())
    with pytest.raises(RunError, match=r"There is a 1-mine in (trash|runs)/ already"):
        getattr(store, act)(run)
    assert sorted(path.name for path in run.path.iterdir()) == before
    restored = store.restore(run, renumber=True)
    assert restored.id == "2-mine"
    store.delete(run)


def test_a_live_run_keeps_its_number(store, copied):
    status.move(copied[1].path, ("draft",), "running", attempt=1)
    with pytest.raises(RunError, match="Stop it first, then renumber it"):
        store.give_number(copied[1])


def test_a_folder_that_cannot_be_moved_is_said_in_a_sentence(store, monkeypatch):
    run = store.create(QUICK)

    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(run.path))

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    with pytest.raises(RunError, match="could not be moved to trash/: Permission denied"):
        store.delete(run)


def test_the_runs_page_says_what_is_there_twice_and_numbers_it(page_store):
    run = make_run(page_store, "Alpha", accuracies=())
    shutil.copytree(run.path, run.path.with_name("1-alpha-copy"))
    page = open_page()
    assert not page.exception
    assert "have the same number, 1" in texts(page)
    page.button(key="renumber runs/1-alpha-copy").click().run()
    assert "have the same number" not in texts(page)
    assert sorted(row.id for row in page_store.runs()) == ["1-alpha", "2-alpha-copy"]
