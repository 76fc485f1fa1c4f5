"""Teachers of runs: kept in the run's own folder, checked before it starts, recorded by it."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from run_helpers import PLACE, SMALL, attempt, store_without_executor, timeless, weights_of

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.errors import ConfigError, RunError
from cifar_core.report.account import account_of
from cifar_core.report.fields import description
from cifar_core.report.model_card import model_card
from cifar_core.runs.engine.worker.rate_search_worker import RateSearchWorker
from cifar_core.runs.engine.worker.training_worker import run_attempt
from cifar_core.runs.family import start_from, teachers
from cifar_core.runs.family.kept import ancestor_of
from cifar_core.runs.prepare import epoch_time, feature_files, largest_batch, step_plans
from cifar_core.runs.prepare.teacher_networks import opened, other_classes
from cifar_core.runs.record import checkpoints, control
from cifar_core.runs.record.records import About, AttemptPlan
from cifar_core.runs.results import verify
from cifar_core.runs.sweeps import hyperparameter_search, rate_searches, sweeps
from cifar_core.terminal import COMMANDS
from cifar_core.terminal.teachers import teachers_of, with_usual_share

PLAIN = {"flip": False, "crop_padding": 0}  # images that are not changed
TEACHING = {"distill_share": 0.6}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("taught") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def teacher(store):
    """A finished run of one epoch."""
    run = store.create(TrainConfig(**{**SMALL, "epochs": 1}), name="The teacher")
    assert attempt(run).work().outcome == "finished"
    return run


def taught(store, *pairs, **settings):
    """Return a new run that learns from these checkpoints."""
    config = TrainConfig(**{**SMALL, "epochs": 2, **TEACHING, **settings})
    return store.create(config, fill=start_from.filler(teachers=pairs))


def best(run):
    return run, "best"


def finished(run):
    assert attempt(run).work().outcome == "finished"
    return run


def curves(run):
    return timeless(run.metrics())


def test_a_run_keeps_its_teachers_records_them_and_outlives_them(store, teacher, capsys):
    other = finished(store.create(TrainConfig(**{**SMALL, "epochs": 1, "seed": 3})))
    run = taught(store, best(teacher), best(other))
    for one in run.about.teachers:
        assert (ancestor_of(run, one).path / "checkpoints" / one.checkpoint).is_dir()
        assert not ancestor_of(run, one).checkpoint(one.checkpoint).resumable
    store.delete(other)
    finished(run)
    store.restore(other)
    said = capsys.readouterr().out
    assert f"Learning from #{teacher.number} The teacher (epoch 1, sha256 " in said
    first, second = run.environment.teachers
    assert (first.run, first.name, first.epoch) == (teacher.id, "The teacher", 1)
    manifest = teacher.checkpoint("best").manifest
    assert first.sha256 == manifest["files"][checkpoints.MODEL]["sha256"]
    assert (second.run, second.model, second.side) == (other.id, "simple_cnn", 32)
    alone = finished(store.create(TrainConfig(**{**SMALL, "epochs": 2})))
    assert curves(run) != curves(alone)
    assert alone.environment.teachers == []
    card = dict(model_card(account_of(run)).rows)
    assert card["Teachers"].startswith(f"#{teacher.number} The teacher, epoch 1, sha256 ")
    assert card["Teachers"].endswith("; 60\u00a0% of the loss, at temperature 4")
    assert f"with the help of the answers of #{teacher.number} The teacher and #" in description(
        account_of(run)
    )
    assert "Teachers" not in dict(model_card(account_of(alone)).rows)


@pytest.mark.parametrize("settings", [PLAIN, {"mixup": 0.4}], ids=str)
def test_a_taught_run_that_is_paused_in_mid_epoch_ends_like_one_that_is_not(
    store, teacher, settings
):
    whole = finished(taught(store, best(teacher), **settings))
    run = taught(store, best(teacher), **settings)
    worker = attempt(run)
    attend = worker.attend

    def attend_and_pause(phase=""):
        if worker.trainer.step == 14:  # of 20, 10 an epoch
            control.write(run.path, "pause")
        return attend(phase)

    worker.attend = attend_and_pause
    assert worker.work().outcome == "paused"
    assert 0 < run.checkpoints()[0].epoch % 1 < 1
    control.write(run.path, "")
    if settings == PLAIN:  # what is kept can be computed again
        shutil.rmtree(store.root / "features")
    assert attempt(run, 2).work().outcome == "finished"
    assert curves(run) == curves(whole)
    assert weights_of(run) == weights_of(whole)


def test_answers_to_images_that_stay_the_same_are_computed_once(store, teacher, monkeypatch):
    shutil.rmtree(store.root / "features", ignore_errors=True)
    first, second = (finished(taught(store, best(teacher), **PLAIN)) for _ in range(2))
    assert (first.summary.features.done, first.summary.features.total) == (160, 160)
    assert second.summary.features is None
    (folder,) = (store.root / "features").iterdir()
    assert folder.name.startswith("answers-of-simple_cnn-")
    assert np.load(folder / "features.npy").shape == (160, 10)
    assert curves(first) == curves(second)
    finished(taught(store, best(teacher)))  # with changed images, nothing is kept
    assert len(list((store.root / "features").iterdir())) == 1
    monkeypatch.setenv(feature_files.LIMIT_VARIABLE, "0.000001")
    asked = finished(taught(store, best(teacher), **PLAIN))
    assert asked.summary.features is None
    for one, other in zip(curves(asked), curves(first), strict=True):
        about = {
            name: value if isinstance(value, str) else pytest.approx(value, rel=1e-3, abs=1e-5)
            for name, value in other.items()
        }
        assert one == about


def test_a_damaged_copy_of_a_teacher_ends_the_run_and_says_so(store, teacher):
    run = taught(store, best(teacher))
    (one,) = run.about.teachers
    path = ancestor_of(run, one).path / "checkpoints" / one.checkpoint / checkpoints.MODEL
    whole = path.read_bytes()
    path.unlink()  # it may be a second name of the teacher's own file
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    result = run_attempt(attempt(run))
    assert (result.outcome, result.reason) == ("failed", "weights")
    assert f"Teacher #{teacher.number} cannot be asked" in result.message
    assert "checksum differs" in result.message
    path.unlink()
    result = run_attempt(attempt(run, 2))
    assert (result.outcome, result.reason) == ("failed", "weights")
    assert "Restore the file from a backup" in result.message


def test_a_run_from_elsewhere_cannot_name_a_teacher_outside_its_folder(store, teacher):
    run = taught(store, best(teacher))
    run.edit_about(teachers=[{"run": f"../../{teacher.id}", "checkpoint": "best"}])
    result = run_attempt(attempt(run))
    assert (result.outcome, result.reason) == ("failed", "weights")
    assert "not the name of a run" in result.message


def test_a_teacher_of_another_image_size_teaches_and_the_log_says_what_that_means(
    store, teacher, capsys
):
    large = finished(
        store.create(TrainConfig(**{**SMALL, "epochs": 1, "image_size": 48}), name="Large")
    )
    run = finished(taught(store, best(large)))
    said = capsys.readouterr().out
    assert "Images are scaled from 32 to 48 pixels for a teacher" in said
    assert run.environment.teachers[0].side == 48
    finished(taught(store, best(teacher), image_size=16))
    assert "Images are scaled from 16 to 32 pixels" in capsys.readouterr().out


# classes


def test_classes_in_another_order_are_the_same_and_others_are_named(teacher):
    own = list(teacher.environment.data.classes)
    turned = own[::-1]
    (same,), (other,) = (opened([(teacher, "best")], classes) for classes in (own, turned))
    images = torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(other.logits(images), same.logits(images).flip(1))
    assert other_classes(teacher, own, turned) == ""
    words = other_classes(teacher, own, ["x", *own[1:]])
    assert f"it does not know x, and it also knows {own[0]}." in words
    assert other_classes(teacher, own, own[1:]).count("does not know") == 0
    assert "are unknown" in other_classes(teacher, [], own)


def test_a_run_whose_classes_turn_out_to_differ_ends_at_its_start(store, teacher):
    run = taught(store, best(teacher))
    (one,) = run.about.teachers
    path = ancestor_of(run, one).path / "environment.json"
    values = files.read_json(path)
    values["data"]["classes"][0] = "a whale"
    files.write_json(path, values)
    result = run_attempt(attempt(run))
    assert (result.outcome, result.reason) == ("failed", "weights")
    assert "it also knows a whale" in result.message


# before it is queued


def test_what_cannot_teach_is_refused_before_a_run_is_made(store, teacher):
    count = len(store.runs())
    config = TrainConfig(**SMALL, **TEACHING)
    with pytest.raises(ConfigError, match="no run is chosen as a teacher"):
        store.create(config)
    with pytest.raises(ConfigError, match="distill_share is 0"):
        teachers.check(TrainConfig(**SMALL), [best(teacher)])
    with pytest.raises(RunError, match="chosen as a teacher twice"):
        teachers.check(config, [best(teacher), best(teacher)])
    with pytest.raises(RunError, match="does not know b"):
        teachers.check(config, [best(teacher)], ["b", *teacher.environment.data.classes])
    assert len(store.runs()) == count
    teachers.check(config, [best(teacher)], teachers.classes_of(config, store))
    assert teachers.classes_of(config, store) == tuple(teacher.environment.data.classes)
    search = rate_searches.begin(store, config, fill=start_from.filler(teachers=[best(teacher)]))
    with pytest.raises(RunError, match="is a rate search"):
        teachers.check(config, [best(search)])
    search.stop()


def test_a_sweep_or_a_search_whose_runs_would_lack_teachers_is_refused_as_a_whole(store, teacher):
    base = TrainConfig(**SMALL)
    changes = [{"distill_share": 0.0}, {"distill_share": 0.5}]
    for make in (
        lambda: sweeps.create(store, base, [changes], [0]),
        lambda: hyperparameter_search.create(
            store, base, {"distill_share": {"low": 0.0, "high": 1.0, "log": False}}
        ),
        lambda: hyperparameter_search.create(
            store, replace(base, **TEACHING), {"learning_rate": {"choices": [0.1, 0.2]}}
        ),
    ):
        with pytest.raises(ConfigError, match="no run is chosen as a teacher"):
            make()
    assert sweeps.listed(store) == []
    teachers.check_plan(base, changes, {}, [best(teacher)])
    with pytest.raises(ConfigError, match="distill_share is 0"):
        teachers.check_plan(base, changes[:1], {}, [best(teacher)])


def test_a_checkpoint_that_the_run_also_goes_on_from_keeps_its_state(store, teacher, tmp_path):
    from cifar_core.runs.family.kept import keep

    info = teacher.checkpoint("last")
    files.write_json(tmp_path / "config.json", TEACHING)
    keep(teacher, info, tmp_path, state=True)
    (ancestor,) = teachers.keep_teachers([(teacher, info.name)], tmp_path)
    folder = tmp_path / "ancestors" / ancestor.run / "checkpoints" / info.name
    assert (folder / checkpoints.STATE).exists()
    checkpoints.verify(folder)


def test_a_run_of_a_sweep_that_learns_from_the_labels_alone_has_no_teachers(store, teacher):
    base = TrainConfig(**SMALL)
    fill = start_from.filler(teachers=[best(teacher)])
    alone, other = (
        store.create(replace(base, distill_share=share), fill=fill) for share in (0.0, 0.5)
    )
    assert alone.about.teachers == []
    assert not (alone.path / "ancestors").exists()
    assert [one.run for one in other.about.teachers] == [teacher.id]


def test_the_terminal_names_teachers(store, teacher):
    from argparse import ArgumentParser

    parser = ArgumentParser()
    commands = parser.add_subparsers()
    for add in COMMANDS:
        add(commands)
    named = [f"{teacher.number}:last", str(teacher.number)]
    arguments = parser.parse_args(["train", "--teacher", named[0], "--teacher", named[1]])
    assert with_usual_share({}, arguments) == {"distill_share": "0.9"}
    assert with_usual_share({"distill_share": "0.2"}, arguments) == {"distill_share": "0.2"}
    arguments.teacher = named[:1]
    config = TrainConfig(**SMALL, **TEACHING)
    ((run, checkpoint),) = teachers_of(arguments, config, store)
    assert (run.id, checkpoint) == (teacher.id, teacher.checkpoint("last").name)
    plain = parser.parse_args(["train"])
    assert with_usual_share({}, plain) == {}
    with pytest.raises(ConfigError):
        teachers_of(plain, config, store)


# what it costs, and whether it repeats


def test_a_taught_run_is_verified_bit_for_bit(store, teacher):
    for settings in (PLAIN, {}):
        run = finished(taught(store, best(teacher), **settings))
        assert verify.verify(run, 5).equal


@pytest.mark.parametrize("settings", [PLAIN, {}], ids=str)
def test_a_rate_search_has_the_teachers_of_its_run(store, teacher, settings):
    config = TrainConfig(**{**SMALL, **TEACHING, **settings, "data": "synthetic:600"})
    search = rate_searches.begin(store, config, fill=start_from.filler(teachers=[best(teacher)]))
    worker = attempt(search, make=RateSearchWorker)
    seen = []

    def attend(phase=""):
        seen.append(worker.trainer.task.teaching)
        if len(seen) == 20:
            control.write(search.path, "now")
        return RateSearchWorker.attend(worker, phase)

    worker.attend = attend
    assert worker.work().outcome == "stopped"
    assert all(teaching is not None for teaching in seen)
    kept = seen[-1].kept
    assert (kept is not None) == (settings == PLAIN)
    again = rate_searches.repeat(store, search)
    assert again.about.teachers == search.about.teachers
    for one in (search, again):
        one.stop()


def test_measurements_count_the_teachers(store, teacher, monkeypatch):
    monkeypatch.setattr(epoch_time, "MEASURED_SECONDS", 0.05)
    places = [(teacher, "best")]
    config = TrainConfig(**SMALL, **TEACHING)
    assert epoch_time.trial(config, store.root, places).seconds_per_epoch > 0
    assert epoch_time.trial(config, store.root, places).features_seconds == 0
    kept = epoch_time.trial(TrainConfig(**SMALL, **TEACHING, **PLAIN), store.root, places)
    assert kept.features_seconds > 0
    with pytest.raises(ConfigError, match="no run is chosen"):
        epoch_time.trial(config, store.root)
    dataset = data.load("synthetic:200", store.root)
    networks = opened(places, dataset.classes)
    peak = largest_batch.take_steps(config, dataset, "cpu", networks)
    assert peak > 0
    asked = [dict(one.built) for one in networks]
    alone, with_teacher = (
        step_plans.identity_of(config, "A CPU", 1, extra) for extra in ((), asked)
    )
    assert with_teacher == {**alone, "teachers": asked}
    json.dumps(with_teacher)
    here = AttemptPlan(**PLACE)
    assert step_plans.decide(config, dataset, here, store.root, teachers=networks)


def test_earlier_files_have_no_teachers(tmp_path):
    files.write_json(tmp_path / "about.json", {"name": "old"})
    assert files.read(tmp_path / "about.json", About).teachers == []
