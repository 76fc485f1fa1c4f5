import contextlib
import gc
import os
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pages import make_run
from run_helpers import QUICK, queued, store_without_executor

from cifar_core.background import processes
from cifar_core.config import TrainConfig
from cifar_core.disk import files, lock
from cifar_core.errors import RunError
from cifar_core.runs import FAILURES, STATES, Store
from cifar_core.runs.record import metrics, status
from cifar_core.runs.store import index
from cifar_core.runs.store.index import LISTED
from cifar_core.runs.store.run_row import read_row as row_of


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def test_importing_the_package_does_not_import_torch():
    code = (
        "import sys, cifar_core.runs, cifar_core.runs.engine.executor\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=processes.PACKAGE_ROOT,
    )
    assert done.stdout == "False\n"


def test_a_new_run_is_a_draft_with_its_settings_in_its_folder(store):
    run = store.create(QUICK, name="  First   try ")
    assert (run.id, run.number, run.name) == ("1-first-try", 1, "First try")
    assert run.status.state == "draft"
    assert run.config == QUICK
    assert run.settings["train_fraction"] == 0.01
    assert run.metrics() == []
    assert run.checkpoints() == []
    assert run.log_tail() == ""


def test_the_data_of_a_run_is_settled_when_it_is_made(store, monkeypatch):
    monkeypatch.setenv("CIFAR_DATA", "synthetic:200")
    assert store.create(TrainConfig(data="auto")).settings["data"] == "synthetic:200"


def test_numbers_are_never_given_twice(store):
    runs = [store.create(QUICK) for _ in range(3)]
    store.delete(runs[2])
    assert store.empty_trash(older_than_days=0) == 1
    assert store.create(QUICK).number == 4


def test_many_hands_at_once_get_different_numbers(store):
    made = []
    threads = [threading.Thread(target=lambda: made.append(store.create(QUICK))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.number for run in made) == list(range(1, 9))


@pytest.mark.parametrize("ref", [2, "2", "#2", "2-second"])
def test_a_run_is_found_by_number_or_id(store, ref):
    store.create(QUICK)
    assert store.run(store.create(QUICK, name="second").number) == store.run(ref)


def test_a_run_that_is_not_there_is_said_with_the_nearest_name(store):
    with pytest.raises(RunError, match="The store has none yet"):
        store.run("9")
    store.create(QUICK, name="second")
    with pytest.raises(RunError, match="Did you mean '1-second'"):
        store.run("1-secnd")


def test_a_path_is_no_name_of_a_run(store):
    store.create(QUICK)
    with pytest.raises(RunError):
        store.run("../runs/1-simple-cnn")


def test_submitting_twice_queues_once(store):
    run = store.create(QUICK)
    store.submit(run)
    before = run.status
    store.submit(run)
    assert run.status == before
    assert [row.id for row in store.queue()] == [run.id]


def test_of_many_who_move_a_state_at_once_one_succeeds(store):
    run, won = store.create(QUICK), []

    def move():
        # slow between the look and the move, so that the others are there meanwhile
        if status.move(run.path, ("draft",), "queued", meanwhile=lambda: time.sleep(0.02)):
            won.append(1)

    threads = [threading.Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


def test_the_queue_is_in_order_and_can_be_changed(store):
    a, b, c = (queued(store) for _ in range(3))

    def order():
        return [row.number for row in store.queue()]

    assert order() == [1, 2, 3]
    store.move_up(c)
    assert order() == [1, 3, 2]
    store.move_down(a)
    assert order() == [3, 1, 2]
    store.to_front(b)
    assert order() == [2, 3, 1]
    store.move_up(b)
    store.move_down(a)
    assert order() == [2, 3, 1]


def test_the_order_of_the_queue_survives_the_loss_of_the_index(store):
    _, b, _ = (queued(store) for _ in range(3))
    store.to_front(b)
    (store.root / "index.db").unlink()
    assert [row.number for row in store.queue()] == [2, 1, 3]


def test_a_waiting_run_is_stopped_at_once(store):
    run = queued(store)
    run.stop("epoch")
    assert run.status.state == "stopped"
    assert store.queue() == []
    run.stop("kill")  # once more is fine
    run.resume()
    assert run.status.state == "queued"


def test_resuming_a_draft_or_a_finished_run_is_refused_with_advice(store):
    run = store.create(QUICK)
    with pytest.raises(RunError, match="Start it instead"):
        run.resume()
    status.move(run.path, ("draft",), "finished")
    with pytest.raises(RunError, match="train it on"):
        run.resume()


def test_a_request_of_the_last_attempt_does_not_stop_the_next(store):
    from cifar_core.runs.record import control

    run = queued(store)
    status.move(run.path, ("queued",), "running", attempt=1)
    run.stop("now")
    status.move(run.path, ("running",), "stopped")
    run.resume()
    assert control.read(run.path).request == ""


def test_a_weaker_request_does_not_replace_a_stronger_one(store):
    from cifar_core.runs.record import control

    run = queued(store)
    status.move(run.path, ("queued",), "running", attempt=1)
    run.stop("now")
    run.stop("epoch")
    run.pause()
    assert control.read(run.path).request == "now"
    assert control.read(run.path).sequence == 1 + 1  # one when it was queued


@pytest.mark.parametrize("damage", [b"not a database", b"", b"SQLite format 3\0" + bytes(5000)])
def test_a_damaged_index_is_set_aside_and_rebuilt(store, damage):
    for _ in range(3):
        store.create(QUICK)
    before = store.runs()
    for suffix in ("-wal", "-shm"):
        (store.root / f"index.db{suffix}").unlink(missing_ok=True)
    (store.root / "index.db").write_bytes(damage)
    assert store.runs() == before
    assert store.index.leases() == {}


def test_an_index_of_another_version_is_rebuilt(store):

    store.create(QUICK)
    before = store.runs()
    with sqlite3.connect(store.root / "index.db") as db:
        db.execute("PRAGMA user_version=99")
    db.close()
    assert store.runs() == before


def test_the_index_may_lie_on_a_local_disk_outside_the_store(tmp_path, store, monkeypatch):
    """As with a store on a network drive; damage there leaves nothing in the store."""
    local = tmp_path / "local" / "indexes"
    monkeypatch.setenv("CIFAR_INDEX", str(local))
    store.create(QUICK, name="kept")
    LISTED.clear()
    assert [row.name for row in store.runs()] == ["kept"]
    with store_without_executor(tmp_path / "another") as another:
        assert another.runs() == []
        assert another.index.lease(["cpu"], "1-x", 1)
    assert store.index.leases() == {}
    found = sorted(local.glob("index-*.db"))
    assert len(found) == 2
    store.index.path.write_bytes(b"this is no database " * 100)
    assert store.index.leases() == {}
    assert len(list(local.glob("damaged-*"))) == 1
    assert [path.name for path in store.root.iterdir() if "index" in path.name] == []


def test_runs_are_listed_where_the_index_cannot_be(store, monkeypatch):
    store.create(QUICK, name="kept")
    monkeypatch.setenv("CIFAR_INDEX", "/proc/no/such")
    LISTED.clear()
    assert [row.name for row in store.runs()] == ["kept"]


def grown_old(run, seconds=60):
    """Let a run's folder look as if it had last changed some time ago."""
    at = time.time() - seconds
    os.utime(run.path, (at, at))


def test_a_row_is_read_once_and_forgotten_with_its_run(store, monkeypatch):
    kept, gone = store.create(QUICK), store.create(QUICK)
    grown_old(kept)
    store.runs()
    (row,) = (row for row in store.runs() if row.id == kept.id)
    store.delete(gone)
    assert store.runs() == [row]
    assert store.runs()[0] is row
    assert list(LISTED[store.root].rows) == [kept.id]
    kept.rename("Another name")
    assert [row.name for row in store.runs()] == ["Another name"]


def test_a_folder_that_changed_this_moment_is_read_again(store):
    """A second change within the same tick of the clock would leave the same time."""
    run = store.create(QUICK)
    assert store.runs()[0].name != "Other"
    at = run.path.stat().st_mtime_ns
    run.rename("Other")
    os.utime(run.path, ns=(at, at))
    assert store.runs()[0].name == "Other"


def test_another_process_takes_the_rows_from_the_table(store, monkeypatch):
    runs = [store.create(QUICK) for _ in range(5)]
    for run in runs:
        grown_old(run)
    rows = store.runs()
    read = []
    monkeypatch.setattr(index, "read_row", lambda run: read.append(run.id) or row_of(run))
    LISTED.clear()  # as in another process
    assert store.runs() == rows
    assert read == []
    runs[2].rename("Another name")
    assert len([row for row in store.runs() if row.name == "Another name"]) == 1
    assert read == [runs[2].id]


def test_a_rebuild_holds_no_other_process_up(store, monkeypatch):
    """Folders are read outside of transactions: meanwhile, a device can be lent."""
    for _ in range(6):
        grown_old(store.create(QUICK))
    LISTED.clear()
    store.index.path.unlink()
    monkeypatch.setattr(index, "CHUNK", 2)
    waits = []

    def slow(run):
        begun = time.perf_counter()
        store.index.set_leases([("cpu", run.id, 1)])
        waits.append(time.perf_counter() - begun)
        return row_of(run)

    monkeypatch.setattr(index, "read_row", slow)
    assert len(store.runs()) == 6
    assert len(waits) == 6
    assert max(waits) < 5  # inside a transaction it would wait 30 seconds, and fail


def test_threads_that_list_at_once_look_at_the_folders_once(store, monkeypatch):
    store.create(QUICK)
    looks, real = [], index.changes

    def slow(folder):
        looks.append(folder)
        time.sleep(0.3)
        return real(folder)

    monkeypatch.setattr(index, "changes", slow)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.index.rows(), range(8)))
    assert all(rows == found[0] for rows in found)
    assert len(looks) <= 2  # the first, and one for all that asked while it looked


def test_a_page_torn_out_of_the_index_loses_nothing(store):
    for _ in range(20):
        store.create(QUICK)
    before = store.runs()
    path = store.root / "index.db"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    assert store.runs() == before


def test_a_device_is_lent_once(store):
    index, won = store.index, []

    def lease(number):
        if index.lease(["cpu"], f"{number}-run", 1):
            won.append(number)

    threads = [threading.Thread(target=lease, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert index.leases() == {"cpu": f"{won[0]}-run"}


@pytest.mark.parametrize("name", ["status.json", "config.json", "about.json"])
@pytest.mark.parametrize("damage", [None, "", "{", "[]", '{"state": 5}'])
def test_a_damaged_file_of_one_run_does_not_hide_the_others(store, name, damage):
    broken, whole = store.create(QUICK), store.create(QUICK)
    (broken.path / name).unlink()
    if damage is not None:
        (broken.path / name).write_text(damage)
    rows = {row.id: row for row in store.runs()}
    assert rows.keys() == {broken.id, whole.id}
    if name == "status.json":
        assert (rows[broken.id].state, rows[broken.id].reason) == ("failed", "damaged")
        broken.resume()
        assert broken.status.state == "queued"


def test_delete_moves_to_the_trash_and_restore_brings_it_back(store):
    run = store.create(QUICK, name="dear")
    store.delete(run)
    assert store.runs() == []
    assert [row.name for row in store.trash()] == ["dear"]
    assert store.empty_trash() == 0  # it is too young
    assert store.restore(run) == run
    assert [row.name for row in store.runs()] == ["dear"]
    assert store.trash() == []


def test_deleting_a_waiting_run_takes_it_out_of_the_queue(store):
    run = queued(store)
    store.delete(run)
    store.restore(run.id)
    assert run.status.state == "stopped"


def test_a_live_run_is_not_deleted(store):
    run = queued(store)
    status.move(run.path, ("queued",), "running", attempt=1)
    with pytest.raises(RunError, match="Stop it first"):
        store.delete(run)


def test_a_run_whose_lock_is_held_is_not_deleted_whatever_its_status_says(store):
    import os

    run = store.create(QUICK)
    folder = metrics.attempt_folder(run.path, 1)
    folder.mkdir(parents=True)
    mine = lock.take(folder / "lock", shared=True)
    with pytest.raises(RunError):
        store.delete(run)
    os.close(mine)
    store.delete(run)


def test_a_name_can_be_changed_and_the_folder_stays(store):
    run = store.create(QUICK)
    run.rename("  ../a <b>  name ")
    assert run.name == "../a <b> name"
    assert store.runs()[0].name == "../a <b> name"
    with pytest.raises(RunError, match="1 to 80"):
        run.rename(" ")


@pytest.mark.parametrize("name", ["../../etc", "CON", "x" * 300, "ünï¢ödé", "a/b\\c", "...", "-"])
def test_no_name_leads_out_of_the_store(store, name):
    run = store.create(QUICK, name=name)
    assert run.path.parent == store.root / "runs"
    assert run.path.is_dir()


def test_a_changed_summary_is_seen_at_once(store):
    run = store.create(QUICK)
    assert store.runs()[0].best_val_accuracy is None
    files.write_json(run.path / "summary.json", {"best_val_accuracy": 0.5, "sparkline": [0.5]})
    assert store.runs()[0].best_val_accuracy == 0.5
    assert store.runs()[0].sparkline == [0.5]


def test_listing_three_hundred_runs_is_quick(store):
    template = store.create(QUICK)
    for number in range(2, 301):
        folder = template.path.with_name(f"{number}-copy")
        folder.mkdir()
        for name in ("config.json", "about.json", "status.json"):
            (folder / name).write_bytes((template.path / name).read_bytes())
    assert len(store.runs()) == 300
    begin = time.process_time()
    store.runs()
    assert time.process_time() - begin < 0.3


def test_a_relative_folder_means_the_same_in_every_process(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = Store(Path("here"))
    monkeypatch.chdir("/")
    assert store.create(QUICK).path == tmp_path / "here" / "runs" / "1-simple-cnn"


def test_looking_into_a_store_that_is_not_there_finds_nothing_and_makes_nothing(tmp_path):
    store = Store(tmp_path / "nowhere")
    assert (store.runs(), store.trash(), store.queue()) == ([], [], [])
    assert not store.root.exists()


def test_the_default_store_is_the_one_that_the_environment_names(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_STORE", str(tmp_path / "elsewhere"))
    assert Store.default().root == tmp_path / "elsewhere"


@pytest.mark.parametrize("entry", [*STATES.values(), *FAILURES.values()], ids=lambda e: e.key)
def test_every_state_and_failure_says_what_it_is_and_what_to_do(entry):
    for sentence in (entry.summary, entry.action):
        assert sentence.endswith(".")
        assert len(sentence) > 8


def test_a_table_that_cannot_answer_is_asked_once_for_a_listing(store, monkeypatch):
    for _ in range(6):
        store.create(QUICK)
    rows = store.runs()
    LISTED.clear()
    monkeypatch.setattr(index, "CHUNK", 2)
    asked = []

    def locked(*_):
        asked.append(1)
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(index.Index, "_transact", locked)
    assert store.index.rows() == rows
    assert len(asked) == 1  # each question waits for half a minute


def test_rows_that_no_listing_would_trust_are_not_written(store):
    old, fresh = store.create(QUICK), store.create(QUICK)
    grown_old(old)
    store.runs()
    with contextlib.closing(sqlite3.connect(store.index.path)) as db:
        assert db.execute("SELECT id FROM run").fetchall() == [(old.id,)]
    grown_old(fresh)
    store.runs()
    with contextlib.closing(sqlite3.connect(store.index.path)) as db:
        assert db.execute("SELECT count(*) FROM run").fetchone() == (2,)


def test_a_row_reads_each_small_file_once(store, monkeypatch):
    run = make_run(store)
    read = []
    sound = files.sound
    monkeypatch.setattr(files, "sound", lambda path, *more: read.append(path) or sound(path, *more))
    row = row_of(run)
    assert not row.damaged
    assert len(read) == len(set(read))
    assert {path.name for path in read} >= {"about.json", "config.json", "environment.json"}


def test_reading_rows_leaves_the_garbage_collector_as_it_was(store):
    grown_old(store.create(QUICK))
    rows = store.runs()
    for was_on in (False, True):
        (gc.enable if was_on else gc.disable)()
        try:
            LISTED.clear()
            assert store.runs() == rows
            assert gc.isenabled() == was_on
        finally:
            gc.enable()
