"""A profile says where the time of a step goes, and changes nothing."""

import json
import threading

import pytest
from run_helpers import attempt, store_without_executor, timeless, until, weights_of
from test_runs_worker import new_run

from cifar_core.__main__ import main
from cifar_core.disk import files
from cifar_core.errors import RunError
from cifar_core.runs.record import control, status
from cifar_core.runs.record.profiles import Profile
from cifar_core.training.phases import PHASES
from cifar_core.training.profiling import STEP, Call, DeviceWork, TimeSpan, by_part, operators


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("profile") / "store") as store:
        yield store


def profiled(store, **settings):
    """Return a finished run that was asked for a profile at its first step."""
    run = new_run(store, **settings)
    control.ask_profile(run.path)
    assert attempt(run, 1).work().outcome == "finished"
    return run


@pytest.fixture(scope="module")
def run(store):
    return profiled(store)


def test_a_profile_accounts_for_the_whole_step(run):
    values = run.profile.values
    assert (values["device"], values["threads"], values["batch_size"]) == ("cpu", 1, 16)
    assert values["steps"] >= 15
    assert [part["name"] for part in values["phases"]] == list(PHASES)
    assert all(part["ms"] > 0 for part in values["phases"])
    assert all(part["device_ms"] == 0 for part in values["phases"])
    parts = sum(part["ms"] for part in values["phases"])
    assert 0.5 * values["step_ms"] < parts <= values["step_ms"]
    assert sum(bar.share for bar in run.profile.bars) == pytest.approx(1)


def test_the_operators_of_a_convolutional_network_are_named(run):
    names = [row["name"] for row in run.profile.values["operators"]]
    assert len(names) == 10
    assert any("conv" in name for name in names)


def test_a_profiled_run_learns_bit_for_bit_what_another_does(store, run):
    other = new_run(store)
    attempt(other, 1).work()
    assert other.profile is None
    assert timeless(run.metrics()) == timeless(other.metrics())
    assert weights_of(run, "last") == weights_of(other, "last")
    assert "Profiled" not in json.dumps(run.metrics())


def test_a_run_that_ends_meanwhile_is_profiled_by_the_steps_there_were(store):
    assert profiled(store, epochs=1).profile.values["steps"] == 5


def test_a_run_that_is_resumed_takes_the_profile_that_it_still_owes(store):
    run = new_run(store)
    control.write(run.path, "epoch")
    attempt(run, 1).work()
    control.ask_profile(run.path)
    control.write(run.path, "")  # as when it is resumed
    attempt(run, 2).work()
    assert run.profile.request == 1
    assert not run.profile.error


def test_a_run_that_is_over_too_soon_says_so(store):
    run = profiled(store, epochs=1, batch_size=50)
    assert "over before enough steps" in run.profile.error


def test_a_profiler_that_fails_does_not_end_the_run(store, monkeypatch):
    def broken(*_):
        raise RuntimeError("no counters here")

    monkeypatch.setattr("cifar_core.training.profiling.StepProfiler.report", broken)
    run = profiled(store)
    assert "no counters here" in run.profile.error


def test_epochs_of_one_step_are_not_profiled_and_that_is_said(store):
    run = profiled(store, batch_size=160)
    assert "a single step" in run.profile.error


def test_only_a_run_that_trains_can_be_asked(store):
    run = new_run(store)
    with pytest.raises(RunError, match="is draft, and only a run that is training"):
        run.ask_profile()
    status.write(run.path, status.RunStatus(**status.described("running"), attempt=1))
    assert (run.ask_profile(), run.ask_profile()) == (1, 2)
    assert run.profile_is_due
    folder = run.path / "attempts" / "1"
    folder.mkdir(parents=True)
    files.write_json(folder / "profile.json", {"request": 2, "error": "x"})
    assert not run.profile_is_due


def test_a_request_to_stop_and_one_for_a_profile_do_not_replace_each_other(tmp_path):
    control.ask_profile(tmp_path)
    control.write(tmp_path, "now")
    both = control.ask_profile(tmp_path)
    assert (both.request, both.profiles) == ("now", 2)


def made(**ms):
    """Return the spans of two equal steps whose parts last so many milliseconds."""
    spans, clock = [], 0.0
    for _ in range(2):
        start = clock
        for name, length in ms.items():
            spans.append(TimeSpan(name, clock, clock + 1e3 * length))
            clock += 1e3 * length
        spans.append(TimeSpan(STEP, start, clock))
        clock += 5e3  # between the steps
    return spans


def test_the_parts_are_means_over_the_steps_after_the_warm_ones():
    spans = made(data=1.0, forward=2.0, backward=4.0)
    steps, parts = by_part(spans, [], warm=0)
    assert steps == [7.0, 7.0]
    assert {part.name: part.ms for part in parts}["backward"] == 4.0
    assert all(part.spread_ms == 0 for part in parts)
    assert by_part(spans, [], warm=1)[0] == [7.0]


def test_the_gpus_work_belongs_to_the_part_that_asked_for_it():
    spans = made(forward=2.0, backward=4.0)
    work = [
        DeviceWork(0.5e3, 10.0),
        DeviceWork(3e3, 30.0),
        DeviceWork(11.5e3, 20.0),
    ]  # the third in step two
    _, parts = by_part(spans, work, warm=0)
    costs = {part.name: part.device_ms for part in parts}
    assert (costs["forward"], costs["backward"]) == (15.0, 15.0)


def test_operators_are_counted_in_whole_steps_only():
    steps = [TimeSpan(STEP, 0.0, 10.0), TimeSpan(STEP, 20.0, 30.0)]
    calls = [Call("conv", 1.0, 4.0, 0.0), Call("conv", 21.0, 6.0, 0.0), Call("add", 22.0, 1.0, 0.0)]
    between = [Call("conv", 15.0, 99.0, 0.0)]  # such as validation
    found = operators([*calls, *between], steps)
    assert [(row["name"], row["calls"], row["ms"]) for row in found] == [
        ("conv", 1.0, 5.0),
        ("add", 0.5, 0.5),
    ]


def figures(step_ms, *, spread=0.0, gpu=False, **ms):
    column = "device_ms" if gpu else "ms"
    phases = [
        {"name": name, "ms": 0.0, "spread_ms": 0.0, "device_ms": 0.0, column: ms.get(name, 0.0)}
        for name in PHASES
    ]
    return Profile({"step_ms": step_ms, "step_spread_ms": spread, "phases": phases})


def test_a_profile_is_told_in_a_sentence():
    usual = figures(41.0, data=0.82, forward=8.0, backward=30.34, optimizer=1.0, logging=0.2)
    assert usual.sentence == "74 % of a step of 41 ms is the backward pass; data costs 2 %."
    assert usual.hint == ""
    assert figures(2.0, data=1.5).sentence == "75 % of a step of 2 ms is spent on data."


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        (figures(10.0, data=3.0, backward=7.0), "more than a fifth"),
        (figures(10.0, gpu=True, backward=4.0), "The GPU waits"),
        (figures(10.0, optimizer=5.0, backward=5.0), "A larger batch spreads"),
        (figures(10.0, logging=3.0, backward=7.0), "disk"),
        (figures(10.0, backward=10.0, spread=8.0), "other programs"),
    ],
)
def test_what_is_out_of_the_ordinary_comes_with_advice(profile, word):
    assert word in profile.hint


def test_a_gpu_without_work_is_a_part_of_its_own():
    profile = figures(10.0, gpu=True, backward=4.0)
    assert profile.bars[-1].title == "GPU without work"
    assert profile.sentence == "For 60 % of a step of 10 ms the GPU has no work; data costs 0 %."


def terminal(capsys, store, *words):
    code = main(["profile", *words, "--store", str(store.root)])
    return code, *capsys.readouterr()


def test_the_terminal_prints_the_last_profile_of_a_run_that_is_over(capsys, store, run):
    status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))
    code, out, _ = terminal(capsys, store, str(run.number))
    assert code == 0
    assert run.profile.sentence in out
    assert "Backward pass" in out
    code, out, _ = terminal(capsys, store, str(run.number), "--json")
    assert json.loads(out) == run.profile.values


def test_the_terminal_asks_a_run_that_trains_and_waits_for_the_answer(capsys, store, run):
    live = new_run(store)
    status.write(live.path, status.RunStatus(**status.described("running"), attempt=1))
    trainer = threading.Thread(target=answer, args=(live, run.profile.values))
    trainer.start()
    code, out, _ = terminal(capsys, store, str(live.number))
    trainer.join()
    assert code == 0
    assert "data costs" in out


def answer(run, values):
    """Do what a trainer does when it is asked."""
    until(lambda: control.read(run.path).profiles)
    folder = run.path / "attempts" / "1"
    folder.mkdir(parents=True)
    files.write_json(folder / "profile.json", values)


def test_the_terminal_says_why_there_is_no_profile(capsys, store):
    over = new_run(store)
    status.write(over.path, status.RunStatus(**status.described("stopped"), attempt=1))
    code, out, err = terminal(capsys, store, str(over.number))
    assert (code, out) == (2, "")
    assert "is stopped, and only a run that is training" in err
