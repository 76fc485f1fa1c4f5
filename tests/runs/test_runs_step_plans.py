import pytest
import torch
from run_helpers import PLACE, attempt, store_without_executor, weights_of

from cifar_core import data
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.runs.prepare import step_plans
from cifar_core.runs.record import control
from cifar_core.runs.record.records import AttemptPlan, Environment
from cifar_core.training.step import compiling, trial

SETTINGS = {
    "data": "synthetic:200",
    "epochs": 2,
    "batch_size": 16,
    "learning_rate": 0.02,
    "device": "cpu",
    "precision": "float32",
    "threads": 1,
}
LAST, PLANES = "channels_last/float32", "contiguous/float32"


@pytest.fixture
def store(tmp_path, decoded, monkeypatch):
    monkeypatch.setattr("cifar_core.training.step.step_plan.LEAST_STEPS", 1)
    with store_without_executor(tmp_path / "store") as store:
        (store.root / "data").symlink_to(decoded)
        yield store


@pytest.fixture
def races(monkeypatch):
    """Trials in which the second way always wins; returns how many there were."""
    held = []

    def race(steps, timer):
        for step in steps.values():
            step()  # a real one, of a real trainer
        held.append(list(steps))
        return {name: [1.0 / (place + 1)] * 5 for place, name in enumerate(steps)}

    monkeypatch.setattr(trial, "time_in_turns", race)
    return held


def new_run(store, **settings):
    return store.create(TrainConfig(**{**SETTINGS, **settings}))


def finished(store, **settings):
    run = new_run(store, **settings)
    assert attempt(run).work().outcome == "finished"
    return run


def stopped_after_an_epoch(store, **settings):
    run = new_run(store, **settings)
    control.write(run.path, "epoch")
    assert attempt(run).work().outcome == "stopped"
    control.write(run.path, "")
    return run


def forget(store):
    for path in (store.root / "trials").glob("*.json"):
        path.unlink()


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """A run that asked for the plan that wins the trials of the others."""
    with store_without_executor(tmp_path_factory.mktemp("asked") / "store") as store:
        yield finished(store, memory_format="contiguous")


def test_a_run_with_a_trial_ends_like_one_that_asked_for_the_same_plan(store, races, asked):
    tried = finished(store)
    assert races == [[LAST, PLANES]]
    assert tried.environment.step_plan.memory_format == "contiguous"
    assert weights_of(tried) == weights_of(asked)
    assert asked.environment.step_plan.reason == "as requested."


def test_what_was_measured_once_decides_for_later_runs(store, races):
    first, second = finished(store), finished(store)
    assert len(races) == 1
    assert first.environment.step_plan == second.environment.step_plan
    assert weights_of(first) == weights_of(second)
    finished(store, batch_size=8, epochs=1)
    assert len(races) == 2


def test_a_resumed_run_keeps_its_plan_whatever_the_store_says_by_then(store, races):
    whole = finished(store)
    run = stopped_after_an_epoch(store)
    forget(store)
    assert attempt(run, 2).work().outcome == "finished"
    assert len(races) == 1
    assert run.environment.step_plan == whole.environment.step_plan
    assert weights_of(run) == weights_of(whole)


def test_a_run_from_before_there_were_plans_goes_on_as_it_began(store, races):
    whole = finished(store, memory_format="channels_last")
    run = stopped_after_an_epoch(store, startup="fast_start")
    path = run.path / "environment.json"
    old = {key: value for key, value in files.read_json(path).items() if key != "step_plan"}
    files.write_json(path, old)
    config = run.path / "config.json"
    values = files.read_json(config)
    new = {"memory_format", "startup"}
    files.write_json(config, {key: value for key, value in values.items() if key not in new})
    assert attempt(run, 2).work().outcome == "finished"
    assert races == []
    found = run.environment.step_plan
    assert found.sentence == "Channels last, float32, not compiled: as this run began."
    assert weights_of(run) == weights_of(whole)


def test_a_run_that_moves_to_another_kind_of_device_is_planned_anew(monkeypatch):
    capability = {"cuda:1": (9, 0), "cuda:2": (7, 5)}
    monkeypatch.setattr(torch.cuda, "get_device_capability", capability.get)
    before = Environment(device="cuda:0", precision="bfloat16", precision_reason="Tensor cores.")
    assert step_plans.recorded(before, "cpu") is None
    assert step_plans.recorded(before, "cuda:2") is None  # without hardware for bfloat16
    again = step_plans.recorded(before, "cuda:1")
    assert again is not None
    assert again.precision.key == "bfloat16"


def test_a_run_whose_compiling_fails_says_so_and_trains_as_it_would_without(
    store, races, asked, monkeypatch
):
    def broken(*_, **__):
        raise RuntimeError("No C++ compiler was found.")

    monkeypatch.setattr(compiling, "compiler", broken)
    run = finished(store, startup="fast_run")
    found = run.environment.step_plan
    assert found.compiled is False
    assert "compiling failed (No C++ compiler was found)." in found.sentence
    assert weights_of(run) == weights_of(asked)


def test_a_compiled_run_saves_and_resumes_like_any_other(store, races, asked, monkeypatch):
    calls = []

    def compiler(network, **_):
        def forward(images):
            calls.append(len(images))
            return network(images)

        return forward

    monkeypatch.setattr(compiling, "compiler", compiler)
    whole = finished(store, startup="fast_run")
    assert whole.environment.step_plan.compiled is True
    assert "compiled, it is 2 times as fast." in whole.environment.step_plan.sentence
    assert calls
    run = stopped_after_an_epoch(store, startup="fast_run")
    assert attempt(run, 2).work().outcome == "finished"
    assert weights_of(run) == weights_of(whole)
    assert weights_of(run) == weights_of(asked)


def test_a_run_whose_compiled_step_fails_later_goes_on_uncompiled_for_good(
    store, races, monkeypatch, capsys
):
    compiled = []

    def compiler(network, **_):
        compiled.append(network)
        passes = []

        def forward(images):
            passes.append(len(images))
            if len(passes) > 8:  # of them three in the rehearsal
                raise RuntimeError("inductor: no kernel")
            return network(images)

        return forward

    monkeypatch.setattr(compiling, "compiler", compiler)
    run = stopped_after_an_epoch(store, startup="fast_run")
    sentence = "Contiguous, float32, not compiled: compiling failed (inductor: no kernel)."
    assert run.environment.step_plan.sentence == sentence
    assert f"Changed at epoch 0.5, step 6: {sentence}" in capsys.readouterr().out
    networks = len(compiled)
    assert attempt(run, 2).work().outcome == "finished"
    assert len(compiled) == networks
    assert run.environment.step_plan.sentence == sentence


def test_before_a_run_it_is_said_what_is_known(store, races):
    config = TrainConfig(**SETTINGS)
    dataset = data.load(config.data, store.root)

    def said(**settings):
        config = TrainConfig(**{**SETTINGS, **settings})
        return step_plans.expected(config, dataset, AttemptPlan(**PLACE), store.root)

    assert said() == step_plans.UPCOMING
    assert "fast start makes no trial" in said(startup="fast_start")
    run = finished(store)
    assert said() == run.environment.step_plan.sentence
    assert step_plans.count(store.root) == 1


def test_the_estimate_keeps_the_trial_that_it_made(store, races, monkeypatch):
    from cifar_core.runs.prepare import epoch_time

    monkeypatch.setattr(epoch_time, "MEASURED_SECONDS", 0.1)
    monkeypatch.setattr(epoch_time, "EVALUATED_SECONDS", 0.05)
    found = epoch_time.trial(TrainConfig(**SETTINGS), store.root)
    again = epoch_time.trial(TrainConfig(**SETTINGS), store.root)
    assert len(races) == 1
    assert found.step_plan == again.step_plan
    assert "measured 2 times as fast as channels last on this CPU" in found.step_plan
    assert found.total_seconds > 2 * found.seconds_per_epoch


def test_the_estimate_of_a_whole_run_has_the_test_images_in_it(store, races, monkeypatch):
    from cifar_core.runs.prepare import epoch_time

    monkeypatch.setattr(epoch_time, "MEASURED_SECONDS", 0.1)
    monkeypatch.setattr(epoch_time, "try_evaluation", lambda _: 2.0)  # seconds per image
    config = TrainConfig(**SETTINGS)
    found = epoch_time.trial(config, store.root)
    images = len(data.load("synthetic:200", store.root).test)
    beyond = found.total_seconds - config.epochs * found.seconds_per_epoch
    assert images > 0
    assert beyond == pytest.approx(2.0 * images)
