"""Every file of a run damaged in every way: it is noticed and said, and nothing breaks."""

import random
import shutil
from contextlib import suppress

import numpy as np
import pytest
from pages import open_page, texts
from run_helpers import attempt, store_without_executor
from safetensors.numpy import save_file
from small_runs import outcome, trained_here

from cifar_core.__main__ import main
from cifar_core.disk import arrays, files
from cifar_core.errors import CifarError
from cifar_core.runs import Store
from cifar_core.runs.engine.worker.attempt import run_attempt
from cifar_core.runs.record import checkpoints, control, metrics, status
from cifar_core.runs.record.watched import rows as watched
from cifar_core.runs.results.evaluation import evaluate_run
from cifar_core.runs.store import damage

# text for people, an empty file that is only locked, what a look at the run leaves, and samples of
# the machine, of which a training of less than a second has none (damaged ones are not read:
# tests/runs/test_machine_rows.py)
UNPROVEN = ("log.txt", "lock", ".lock", "machine.jsonl")


@pytest.fixture
def store(page_store):
    return page_store


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Return the folder of a finished run of two epochs, with every file that one has."""
    with store_without_executor(tmp_path_factory.mktemp("template") / "store") as store:
        run = trained_here(store, epochs=2)
        folder = metrics.attempt_folder(run.path, 1)
        rows = metrics.metrics_path(run.path, 1).stat().st_size
        sizes = {"rows_bytes": rows, "watched_bytes": watched.size(run.path, 1)}
        files.write_json(folder / "result.json", {"outcome": "finished", **sizes})
        files.write_json(folder / "shim.json", {"shim": {}, "trainer": {}, "ended": {"code": 0}})
        files.write_json(folder / "end.json", {"message": "Over.", "at": 1.7e9})
        (folder / "log.txt").write_text("a line\n" * 9)
        control.write(run.path, "")
        status.move(run.path, ("draft",), "finished", attempt=1)
        yield run.path


def fresh(store, template, name=""):
    """Return a copy of the template in the store, by the template's name or another one."""
    path = store.root / "runs" / (name or template.name)
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template, path)
    return store.run(path.name)


def names_of(template):
    found = [p.relative_to(template) for p in template.rglob("*") if p.is_file()]
    return sorted(str(name) for name in found if name.name not in UNPROVEN)


def damages_of(data, draw, count):
    """Yield ways to damage a file: (what, the new bytes, or None to remove it)."""
    size = len(data)
    yield "removed", None
    yield "emptied", b""
    yield "zeroed", bytes(size)
    for place in sorted(draw.sample(range(1, size), min(count, size - 1))):
        yield f"cut at {place}", data[:place]
        yield f"zeroed from {place}", data[:place] + bytes(size - place)
        flipped = bytearray(data)
        flipped[place] ^= 1 << draw.randrange(8)
        yield f"flipped at {place}", bytes(flipped)


def say(*words):
    """Run a command; what it raises past the known errors fails the test."""
    return main([str(word) for word in words])


def test_every_damage_of_every_file_is_said_and_nothing_breaks(store, template, sized, capfd):
    draw, count, seen = random.Random(3), sized(1, 50), 0
    run = fresh(store, template)
    assert damage.damages(run, thorough=True) == []
    for name in names_of(template):
        data = (template / name).read_bytes()
        for what, damaged in damages_of(data, draw, count):
            needless = name == "control.json" or name.startswith("predictions/")
            if damaged == data or (needless and damaged is None):
                continue  # zeros already, or a file that there need not be
            path = fresh(store, template).path / name
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            said = damage.damages(run, thorough=True)
            assert said, f"{name} {what}"
            assert any(part in " ".join(said) for part in (path.name, path.parent.name)), said
            (row,) = store.runs()
            assert row.damaged == (name in ("about.json", "status.json", "config.json",
                                            "summary.json", "environment.json")), name  # fmt: skip
            capfd.readouterr()
            assert say("show", 1) == 0
            assert "damaged: " in capfd.readouterr().out
            assert say("resume", 1) in (0, 2)
            seen += 1
    print(f"\n{seen} damages of {len(names_of(template))} files")


@pytest.mark.parametrize("content", [b"\xff\xfe\x80\x81", b"\xff\n", bytes(99), b"text"])
def test_rows_that_are_no_text_are_said_whatever_is_known_of_their_length(store, template, content):
    run = fresh(store, template)
    folder, sentences = metrics.attempt_folder(run.path, 1), set()
    files.write_json(folder / "result.json", {"outcome": "finished"})
    for name in (watched.NAME, "metrics.jsonl"):
        assert set(damage.damages(run)) == sentences
        (folder / name).write_bytes(content)
        sentences.add(f"attempts/{folder.name}/{name} has damaged rows (1), which are skipped.")
    assert sorted(damage.damages(run)) == sorted(sentences)
    page = open_page("run", id=1)
    assert not page.exception
    assert watched.NAME in texts(page)
    assert "metrics.jsonl" in texts(page)


def test_a_row_that_is_being_written_is_no_damage(store, template):
    run = fresh(store, template)
    folder = metrics.attempt_folder(run.path, 1)
    files.write_json(folder / "result.json", {"outcome": "finished"})
    with (folder / watched.NAME).open("ab") as file:
        file.write('{"name": "\u00e9'.encode()[:-1])
    assert damage.damages(run) == []


def test_every_flipped_bit_of_a_file_of_arrays_is_noticed(tmp_path):
    path = tmp_path / "arrays" / "x.safetensors"
    facts = {"classes": '["caf\u00e9", "dog"]', "part": "test"}
    arrays.write(path, {"labels": np.arange(3), "logits": np.eye(2, dtype=np.float32)}, facts)
    data = path.read_bytes()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"."):
            arrays.sound(path)


def test_arrays_of_earlier_versions_are_still_read(tmp_path):
    path, values = tmp_path / "x.safetensors", {"labels": np.arange(3)}
    save_file(values, path, metadata={"part": "test", "sha256": arrays.digest(values)})
    found, facts = arrays.sound(path)
    assert list(found["labels"]) == [0, 1, 2]
    assert facts["part"] == "test"


def test_a_stale_draft_beside_a_file_is_no_damage(store, template):
    run = fresh(store, template)
    (run.path / ".status.json.123-456.tmp").write_text('{"sta')
    (run.path / "checkpoints" / ".draft-00000030-a1").mkdir()
    assert damage.damages(run, thorough=True) == []
    assert store.runs()[0].state == "finished"


@pytest.mark.parametrize("what", ["removed", "zeroed", "flipped"])
def test_the_pages_and_evaluate_survive_any_damaged_file(store, template, what, sized):
    names = names_of(template)
    chosen = sized(names[:: 2 if what == "zeroed" else 6], names)
    for number, name in enumerate(chosen, start=1):
        run = fresh(store, template, f"{number}-copy")
        data = (run.path / name).read_bytes()
        ways = {w.split(" at")[0]: d for w, d in damages_of(data, random.Random(1), 1)}
        (run.path / name).unlink()
        if ways[what] is not None:
            (run.path / name).write_bytes(ways[what])
        page = open_page("run", id=number)
        assert not page.exception, (name, page.exception)
        shallow = damage.damages(run)
        assert ("Damaged files" in texts(page)) == bool(shallow), name
        with suppress(CifarError):  # a sentence; anything else fails the test
            assert evaluate_run(run, "val").images > 0
    assert not open_page().exception, chosen  # the list of all these runs


@pytest.mark.parametrize("victim", [checkpoints.MODEL, checkpoints.STATE, checkpoints.MANIFEST])
def test_a_run_goes_on_from_the_older_checkpoint_and_says_so(store, template, victim):
    whole = outcome(fresh(store, template))
    run = fresh(store, template)
    newest = run.checkpoint("last").path
    data = bytearray((newest / victim).read_bytes())
    data[len(data) // 2] ^= 4
    (newest / victim).write_bytes(data)
    result = run_attempt(attempt(run, 2))
    assert result.outcome == "finished"
    started = run.attempts()[1]
    assert started.from_step == 10
    assert newest.name in started.note
    assert outcome(run) == whole
    assert any("set aside" in words for words in damage.damages(run))


def test_a_run_whose_settings_are_lost_is_not_trained_with_the_defaults(store, template):
    run = fresh(store, template)
    (run.path / "config.json").write_text("{")
    result = run_attempt(attempt(run, 2))
    assert result.outcome == "failed"
    assert "config.json" in result.message


def test_small_files_that_are_damaged_are_made_anew_and_said_when_the_run_goes_on(store, template):
    whole = outcome(fresh(store, template))
    run = fresh(store, template)
    for name in ("summary.json", "environment.json", "best"):
        (run.path / name).write_bytes(b"\xff")
    assert run_attempt(attempt(run, 2)).outcome == "finished"
    assert outcome(run) == whole
    assert "summary.json is damaged" in run.attempts()[1].note
    assert run.summary.epochs_done == 2


def test_a_store_of_nothing_but_damaged_runs_is_listed(store, template):
    for number in range(2, 6):
        shutil.copytree(template, store.root / "runs" / f"{number}-copy")
    for path in (store.root / "runs").rglob("*.json"):
        path.write_bytes(b"\x00")
    rows = Store(store.root).runs()
    assert {row.reason for row in rows} == {"damaged"}
    assert all(row.damaged for row in rows)
