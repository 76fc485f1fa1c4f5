import json
import os
import sys

import pytest
import torch

from cifar_core.errors import CheckpointError
from cifar_core.runs.record import checkpoint_cleanup, checkpoints


def save(run, name, value=1.0, **more):
    step, attempt = (int(part) for part in name.split("-a"))
    manifest = {"step": step, "attempt": attempt, "epoch": step / 10, "best": "", **more}
    weights = {"weight": torch.full((4, 3), value)}
    return checkpoints.commit(
        run / "checkpoints", name, model=weights, state={"m": torch.zeros(2)}, manifest=manifest
    )


def names(run):
    return [path.name for path in checkpoints.folders(run / "checkpoints")]


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path):
    path = save(tmp_path, "00000010-a1", 0.1, meta={"progress": {"step": 10}})
    model, state = checkpoints.load(path)
    assert torch.equal(model["weight"], torch.full((4, 3), 0.1))
    assert torch.equal(state["m"], torch.zeros(2))
    assert checkpoints.verify(path)["meta"] == {"progress": {"step": 10}}
    assert sorted(p.name for p in path.iterdir()) == [
        "manifest.json",
        "model.safetensors",
        "state.safetensors",
    ]


def test_nothing_in_a_checkpoint_is_a_pickle(tmp_path):
    path = save(tmp_path, "00000010-a1")
    for file in path.iterdir():
        assert not file.read_bytes().startswith((b"\x80", b"PK"))


@pytest.mark.parametrize("file", ["model.safetensors", "state.safetensors", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "zero tail", "empty", "missing"])
def test_every_damage_is_found_and_the_older_checkpoint_used(tmp_path, file, damage):
    save(tmp_path, "00000010-a1")
    victim = save(tmp_path, "00000020-a1") / file
    data = bytearray(victim.read_bytes())
    if damage == "flip":
        data[len(data) // 2] ^= 1
    elif damage == "truncate":
        del data[-3:]
    elif damage == "zero tail":
        data[-8:] = bytes(8)
    elif damage == "empty":
        data.clear()
    victim.write_bytes(data)
    if damage == "missing":
        victim.unlink()
    if file == "state.safetensors" and damage == "zero tail":  # its tensor is all zeros
        return
    with pytest.raises(CheckpointError, match="00000020-a1"):
        checkpoints.verify(victim.parent)
    found, notes = checkpoints.newest_valid(tmp_path)
    assert found.name == "00000010-a1"
    assert len(notes) == 1
    assert names(tmp_path) == ["00000010-a1"]  # the damaged one is set aside


def test_no_valid_checkpoint_is_no_checkpoint(tmp_path):
    assert checkpoints.newest_valid(tmp_path) == (None, [])
    (save(tmp_path, "00000010-a1") / "manifest.json").unlink()
    found, notes = checkpoints.newest_valid(tmp_path)
    assert found is None
    assert "no readable manifest" in notes[0]


def test_the_best_and_the_last_two_are_kept(tmp_path):
    for step in (10, 20, 30, 40, 50):
        save(tmp_path, f"{step:08d}-a1")
    (tmp_path / "best").write_text("00000020-a1\n")
    checkpoint_cleanup.prune(tmp_path)
    assert names(tmp_path) == ["00000050-a1", "00000040-a1", "00000020-a1"]
    assert [info.best for info in checkpoints.listed(tmp_path)] == [False, False, True]


def epochs_of_ten_steps(run, epochs, attempt=1, **prune):
    for epoch in epochs:
        save(run, f"{10 * epoch:08d}-a{attempt}", float(epoch), val_accuracy=0.5)
        checkpoint_cleanup.prune(run, **prune)


def test_the_epochs_to_look_back_at_are_evenly_spaced_from_the_first():
    assert sorted(checkpoint_cleanup.milestones(15, 5)) == [1, 4, 7, 9, 12]
    assert sorted(checkpoint_cleanup.milestones(3, 5)) == [1, 2, 3]
    assert checkpoint_cleanup.milestones(15, 0) == frozenset()
    assert checkpoint_cleanup.milestones(1, 5) == {1}


def test_of_an_epoch_to_look_back_at_the_weights_are_kept(tmp_path):
    epochs_of_ten_steps(tmp_path, range(1, 7), look_back={1, 3, 6})
    found = {round(info.epoch): info.resumable for info in checkpoints.listed(tmp_path)}
    assert found == {6: True, 5: True, 3: False, 1: False}
    old = checkpoints.listed(tmp_path)[-1].path
    assert checkpoints.load_model(old)["weight"][0, 0] == 1.0
    assert not (old / "state.safetensors").exists()


def test_the_weights_to_look_back_at_are_checked_for_damage_like_any_others(tmp_path):
    epochs_of_ten_steps(tmp_path, range(1, 5), look_back={1})
    path = tmp_path / "checkpoints" / "00000010-a1"
    data = bytearray((path / "model.safetensors").read_bytes())
    data[-5] ^= 1
    (path / "model.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError, match="checksum"):
        checkpoints.load_model(path)


def test_nothing_is_resumed_from_weights_alone(tmp_path):
    epochs_of_ten_steps(tmp_path, range(1, 6), look_back={3})
    for name in ("00000050-a1", "00000040-a1"):
        (tmp_path / "checkpoints" / name / "state.safetensors").unlink()
    found, notes = checkpoints.newest_valid(tmp_path)
    assert (found, len(notes)) == (None, 2)
    assert names(tmp_path) == ["00000030-a1"]  # still there to look at


def test_weights_to_look_back_at_do_not_count_as_the_newest(tmp_path):
    # the attempt had come to epoch 5 when its newest checkpoints were lost; the next one is at 2
    epochs_of_ten_steps(tmp_path, range(1, 8), look_back={4, 5})
    for name in ("00000070-a1", "00000060-a1"):
        checkpoints.remove(tmp_path / "checkpoints" / name)
    for step in (18, 19, 21):
        save(tmp_path, f"{step:08d}-a2")
        checkpoint_cleanup.prune(tmp_path, look_back={4, 5})
    assert names(tmp_path) == ["00000050-a1", "00000040-a1", "00000021-a2", "00000019-a2"]


def test_an_epoch_that_was_trained_again_is_kept_once(tmp_path):
    epochs_of_ten_steps(tmp_path, range(1, 5), look_back={1})
    epochs_of_ten_steps(tmp_path, range(1, 5), attempt=2, look_back={1})
    assert names(tmp_path) == ["00000040-a2", "00000040-a1", "00000010-a2"]


def test_a_damaged_manifest_is_not_sealed_anew(tmp_path):
    manifest = save(tmp_path, "00000010-a1", val_accuracy=0.5) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"step": 10', '"step": 11'))
    epochs_of_ten_steps(tmp_path, range(2, 5), look_back={1})
    assert names(tmp_path) == ["00000040-a1", "00000030-a1"]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_death_at_any_line_of_keeping_weights_leaves_them_whole(tmp_path):
    def work(run):
        checkpoint_cleanup.prune(run, keep_last=1, look_back={1})

    def prepare(run):
        for epoch in (1, 2):
            save(run, f"{10 * epoch:08d}-a1", float(epoch), val_accuracy=0.5)

    prepare(tmp_path / "trial")
    lines = lines_of(lambda: work(tmp_path / "trial"))
    states = []
    for line in (*range(0, lines, 5), lines):
        run = tmp_path / str(line)
        prepare(run)
        die_at_line(lambda run=run: work(run), line)
        states.append([info.resumable for info in checkpoints.listed(run)])
        checkpoint_cleanup.clean_up(run)
        work(run)
        newest, old = checkpoints.listed(run)
        assert checkpoints.load_model(old.path)["weight"][0, 0] == 1.0
        assert sorted(p.name for p in old.path.iterdir()) == ["manifest.json", "model.safetensors"]
        assert checkpoints.newest_valid(run)[0].name == newest.name
    assert states[0] == [True, True]
    assert states[-1] == [True, False]


def test_the_later_attempt_is_the_newer_of_two_at_the_same_step(tmp_path):
    save(tmp_path, "00000010-a2")
    save(tmp_path, "00000010-a10")
    save(tmp_path, "00000009-a11")
    assert names(tmp_path) == ["00000010-a10", "00000010-a2", "00000009-a11"]


def test_the_same_position_can_be_saved_twice(tmp_path):
    save(tmp_path, "00000010-a1", 1.0)
    path = save(tmp_path, "00000010-a1", 2.0)
    assert checkpoints.load_model(path)["weight"][0, 0] == 2.0


def test_a_disk_that_refuses_leaves_the_old_checkpoint_and_no_draft(tmp_path):
    save(tmp_path, "00000010-a1")
    with pytest.raises(TypeError):
        save(tmp_path, "00000020-a1", meta={"not": object()})
    assert os.listdir(tmp_path / "checkpoints") == ["00000010-a1"]  # noqa: PTH208


def lines_of(work):
    """Count the lines of checkpoints.py and files.py that `work` runs."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        ours = frame.f_code.co_filename.endswith(("record/checkpoints.py", "disk/files.py"))
        count += ours and event == "line"
        return trace if ours else None

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return count


def die_at_line(work, line):
    """Fork, and let the child die at once, as by kill -9, before its so many-th line."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = line

    def trace(frame, event, _):
        nonlocal left
        if not frame.f_code.co_filename.endswith(("record/checkpoints.py", "disk/files.py")):
            return None
        if event == "line":
            left -= 1
            if left < 0:
                os._exit(9)
        return trace

    sys.settrace(trace)
    work()
    os._exit(0)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_death_at_any_line_of_a_save_leaves_the_old_checkpoint_or_the_new(tmp_path):
    save(tmp_path / "trial", "00000010-a1")

    def work(run):
        save(run, "00000020-a1", 2.0)
        checkpoint_cleanup.prune(run, keep_last=1)

    lines = lines_of(lambda: work(tmp_path / "trial"))
    assert lines > 40
    found = []
    for line in range(0, lines + 1, 5):
        run = tmp_path / str(line)
        save(run, "00000010-a1")
        die_at_line(lambda run=run: work(run), line)
        checkpoint_cleanup.clean_up(run)
        info, notes = checkpoints.newest_valid(run)
        assert notes == []
        assert list(checkpoint_cleanup.leftovers(run)) == []
        found.append(info.step)
    assert found == sorted(found)  # first the old one, then the new one
    assert {10, 20} == set(found)


def test_the_manifest_says_what_is_in_the_checkpoint(tmp_path):
    path = save(tmp_path, "00000010-a3", val_accuracy=0.5)
    info = checkpoints.listed(tmp_path)[0]
    assert (info.step, info.attempt, info.epoch, info.val_accuracy) == (10, 3, 1.0, 0.5)
    manifest = json.loads((path / "manifest.json").read_text())
    sizes = {name: facts["bytes"] for name, facts in manifest["files"].items()}
    assert sizes == {p.name: p.stat().st_size for p in path.iterdir() if p.suffix != ".json"}


def test_a_manifest_of_an_earlier_version_is_held_to_its_seal(tmp_path):
    path = save(tmp_path, "00000010-a1")
    values = json.loads((path / "manifest.json").read_text())
    del values["check"]  # which earlier versions did not write
    (path / "manifest.json").write_text(json.dumps(values))
    assert checkpoints.manifest_of(path)["step"] == 10
    (path / "manifest.json").write_text(json.dumps({**values, "step": 11}))
    with pytest.raises(CheckpointError, match="no readable manifest"):
        checkpoints.manifest_of(path)
