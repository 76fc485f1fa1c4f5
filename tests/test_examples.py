"""The shipped examples: put into an empty store once, and brought back only when asked for."""

import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.data.pictures.images import open_image
from cifar_core.errors import AccessError
from cifar_core.examples import EXAMPLES, pictures, put_in_place, restore
from cifar_core.people import OPERATOR, VIEWER, Person
from cifar_core.report.lab import lab_runs
from cifar_core.runs import Store
from cifar_core.runs.exchange.import_run import import_run
from cifar_core.runs.listing.goals import goals
from cifar_core.runs.results import predictions
from cifar_core.runs.store.damage import damages
from cifar_core.runs.store.run_row import own

ROOT = Path(__file__).resolve().parents[1]
NUMBERS = [example.number for example in EXAMPLES.values()]


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def numbers(store):
    return [row.number for row in store.runs()]


def test_an_empty_store_gets_each_example_once(store):
    put_in_place(store)
    put_in_place(store)
    rows = store.runs()
    assert [row.number for row in rows] == NUMBERS
    assert [row.name for row in rows] == [example.title for example in EXAMPLES.values()]
    for row in rows:
        assert row.example
        assert damages(store.run(row.id), thorough=True) == []
        assert (row.state, row.owner, row.tags, row.damaged) == ("finished", "", ["example"], False)
    assert own(rows) == []
    assert list((store.root / "runs").glob(".draft*")) == []


def test_a_store_that_has_had_a_run_gets_none(store):
    make_run(store)
    put_in_place(store)
    assert numbers(store) == [1]


def test_ones_own_first_run_is_number_one_and_listed_first(store):
    put_in_place(store)
    make_run(store)
    assert numbers(store) == [1, *NUMBERS]


def test_an_own_run_never_gets_a_number_that_an_example_may_need(store):
    (store.root / ".last_number").write_text("9000")
    assert make_run(store).number == 9010
    assert make_run(store).number == 9011


def test_what_was_deleted_stays_deleted_until_somebody_asks(store):
    put_in_place(store)
    for row in store.runs():
        store.delete(store.run(row.id))
    put_in_place(store)
    assert numbers(store) == []
    assert sorted(run.number for run in restore(store)) == NUMBERS
    assert numbers(store) == NUMBERS
    assert store.trash() == []


def test_what_is_gone_for_good_comes_back_too(store):
    put_in_place(store)
    store.delete(store.run(NUMBERS[1]))
    store.empty_trash(older_than_days=0)
    put_in_place(store)
    assert [run.number for run in restore(store)] == [NUMBERS[1]]
    assert numbers(store) == NUMBERS
    assert restore(store) == []


def test_a_store_with_runs_can_ask_for_the_examples(store):
    make_run(store)
    restore(store)
    assert numbers(store) == [1, *NUMBERS]


def test_any_operator_may_delete_them_and_bring_them_back_but_no_viewer(store):
    put_in_place(store)
    operator = Store(store.root, Person(name="ann@lab.org", role=OPERATOR))
    operator.delete(operator.run(NUMBERS[0]))
    with pytest.raises(AccessError):
        restore(Store(store.root, Person(name="bob@lab.org", role=VIEWER)))
    (back,) = restore(operator)
    assert back.owner == ""


def test_two_servers_at_once_make_one_copy(store):
    threads = [threading.Thread(target=put_in_place, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(store) == NUMBERS


def test_a_process_that_was_killed_half_way_leaves_the_rest_to_the_next(store, monkeypatch):
    put_in_place(store)
    (store.root / ".examples").unlink()
    store.delete(store.run(NUMBERS[2]))
    store.empty_trash(older_than_days=0)
    put_in_place(store)
    assert numbers(store) == NUMBERS


def test_a_store_that_cannot_be_written_is_shown_without_them(tmp_path):
    (tmp_path / "file").touch()
    put_in_place(Store(tmp_path / "file"))
    put_in_place(Store(tmp_path / "file" / "store"))


def test_a_read_only_store_is_shown_without_them(store, monkeypatch):
    def refused(*_args, **_more):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.open", refused)
    put_in_place(store)
    monkeypatch.undo()
    assert store.runs() == []


def test_a_store_that_is_full_is_left_as_it_was(store, monkeypatch):
    def full(source, folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cifar_core.examples.place.unpack", full)
    put_in_place(store)
    assert store.runs() == []
    assert list((store.root / "runs").iterdir()) == []
    monkeypatch.undo()
    put_in_place(store)
    assert numbers(store) == NUMBERS


def test_they_count_in_no_statistics(store):
    put_in_place(store)
    for row in store.runs():
        data = store.run(row.id).environment.data
        assert [goal for goal in goals(data, store.runs()) if goal.run] == []
    assert lab_runs(store).trained == ()


def test_a_copy_with_a_number_of_its_own_is_an_ordinary_run(store):
    put_in_place(store)
    copy = store.give_number(store.run(NUMBERS[0]))
    assert (copy.number, copy.about.example) == (1, "")


@pytest.mark.parametrize("key", EXAMPLES)
def test_an_example_passes_every_check_of_an_import(store, key):
    put_in_place(store)
    placed = store.run(EXAMPLES[key].number)
    imported = import_run(store, EXAMPLES[key].path)
    assert placed.settings.items() <= imported.settings.items()  # later settings are added
    assert placed.config == imported.config
    assert imported.about.example == ""  # what people import is theirs
    for part in ("val", "test"):
        kept = predictions.kept(placed, part)
        assert kept is not None
        accuracy = placed.summary.test_accuracy if part == "test" else None
        if accuracy is not None:
            assert kept.right.mean() == pytest.approx(accuracy)
    assert not placed.checkpoint().resumable


def test_its_weights_give_the_predictions_that_are_kept(store, decoded):
    put_in_place(store)
    (store.root / "data").symlink_to(decoded)
    run = store.run(EXAMPLES["shapes"].number)
    kept = predictions.kept(run, "val")
    again = predictions.compute(run, "val")
    assert (again.predicted == kept.predicted).mean() > 0.98  # kept ones are of another precision


def test_nothing_of_the_machine_is_shipped():
    for example in EXAMPLES.values():
        with zipfile.ZipFile(example.path) as archive:
            for name in archive.namelist():
                content = archive.read(name)
                for word in (b"/tmp", b"/work", b"/home", b"root", b'"machine"', b'"pid"'):
                    assert word not in content or name.endswith(".safetensors"), name


def test_they_are_small_enough_to_be_carried_along():
    size = sum(example.path.stat().st_size for example in EXAMPLES.values())
    size += sum(sample.path.stat().st_size for sample in pictures())
    assert size < 1_500_000


def test_the_pictures_open_and_say_what_they_show():
    samples = pictures()
    assert 12 <= len(samples) <= 24
    assert samples[0].title == "an airliner"
    for sample in samples:
        image = open_image(sample.path.read_bytes(), sample.title)
        assert min(image.size) >= 96


def test_putting_them_in_place_is_quick_and_needs_no_torch(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from cifar_core.examples import put_in_place\n"
        "from cifar_core.runs import Store\n"
        "start = time.process_time()\n"
        "put_in_place(Store(Path(sys.argv[1])))\n"
        "assert time.process_time() - start < 1, time.process_time() - start\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "new" / "store")], cwd=ROOT, text=True,
        capture_output=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "new" / "store" / "runs").glob("9*"))) == len(EXAMPLES)
