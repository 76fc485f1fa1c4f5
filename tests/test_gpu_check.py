"""The check of a GPU: all of it rehearsed on the CPU, and what it does when something fails."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from argparse import ArgumentTypeError, Namespace
from dataclasses import replace
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks.gpu import __main__ as command
from benchmarks.gpu import balloon, driver, report
from benchmarks.gpu.section import Bench, Section, findings_of
from benchmarks.gpu.sections import SECTIONS, airbench, epochs, gradients, memory, record, speed
from benchmarks.gpu.sections.airbench import Trial
from cifar_core.background import processes
from cifar_core.disk import files
from cifar_core.runs.engine.full_disk import RowWriter
from cifar_core.runs.record import metrics
from cifar_core.runs.record.machine import rows as machine_rows
from cifar_core.runs.record.records import AttemptStart
from cifar_core.runs.record.run import Run

ROOT = Path(__file__).parent.parent
SCRIPT = '''
"""Stands for the author's script: it finds the images, and prints such a table."""
import torch
train, test = (torch.load(f"cifar10/{name}.pt") for name in ("train", "test"))
assert train["images"].shape == (400, 32, 32, 3) and train["images"].dtype == torch.uint8
assert len(test["labels"]) == 80 and len(test["classes"]) == 10
print("|  run     |  epoch  |  train_acc  |  val_acc  |  tta_val_acc  |  time_seconds  |")
for run in ("warmup", *range(200)):
    print(f"|  {run!s:>6}  |      8  |     0.9500  |   0.9300  |               |        2.0000  |")
    print("|          |   eval  |     0.9500  |   0.9300  |       0.9400  |        2.5000  |")
'''


def bench_in(folder, **values):
    usual = {"section": "one", "device": "cpu", "data": "synthetic:400", "folder": folder,
             "store": folder / "store",
        "ends": time.monotonic() + 60, "seeds": 1}  # fmt: skip
    return Bench(**{**usual, **values})


def section(key, run, **values):
    return Section(key=key, title=key.title(), summary="", share=1, least=0, run=run, **values)


def verdicts(folder, key="one"):
    return {finding.name: finding.passed for finding in findings_of(folder, key)}


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """The whole check as people start it, on the CPU."""
    folder = tmp_path_factory.mktemp("check")
    (folder / "script.py").write_text(SCRIPT, "utf-8")
    words = ["--device", "cpu", "--data", "synthetic:400", "--budget", "1000", "--seeds", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *words, "--airbench", folder / "script.py",
         "--out", folder / "out", "--store", folder / "out" / "store"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, folder / "out"


def test_every_section_is_rehearsed_and_passes(rehearsal):
    done, out = rehearsal
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((out / "results.json").read_text("utf-8"))["sections"]
    assert found.keys() == SECTIONS.keys()
    for key, section_found in found.items():
        passed = [finding["passed"] for finding in section_found["findings"]]
        assert section_found["seconds"] > 0
        assert False not in passed
        assert True in passed or key in ("speed", "epochs", "loading")  # which only measure times


def test_no_time_is_judged_on_a_cpu(rehearsal):
    _, out = rehearsal
    judged = [
        finding for key in ("speed", "epochs", "loading") for finding in findings_of(out, key)
    ]
    assert judged
    assert all(finding.passed is None for finding in judged)


def test_a_rehearsal_leaves_a_table_and_no_process(rehearsal):
    done, out = rehearsal
    table = (out / "results.md").read_text("utf-8")
    assert table in done.stdout
    assert "| Worker | killed with SIGKILL and resumed, against undisturbed |" in table
    assert "0 failed." in done.stdout.strip().splitlines()[-1]
    assert not processes.is_running(out / "store")


def test_the_script_of_the_record_trains_as_often_as_ours(rehearsal):
    _, out = rehearsal
    (own,) = [finding for finding in findings_of(out, "record") if "author" in finding.name]
    assert own.value == "94.00 %, 2.50 s, n = 1"


def test_a_device_that_is_not_there_fails_and_skips_the_rest(tmp_path, capsys):
    arguments = Namespace(device="cuda:7", data="synthetic:400", budget=60, seeds=1, airbench=None,
                          only="environment,worker,speed", out=tmp_path,
                          store=tmp_path / "store")  # fmt: skip
    assert command.check(arguments) == 1
    *_, last = capsys.readouterr().out.strip().splitlines()
    assert last.startswith("FAIL environment: device: There is no device called 'cuda:7'")
    for key in ("worker", "speed"):
        (finding,) = findings_of(tmp_path, key)
        assert finding.value == "skipped: Environment has failed"


def test_what_happens_to_one_section_does_not_stop_the_others(tmp_path):
    def crash(_):
        os.kill(os.getpid(), signal.SIGKILL)

    def fail(_):
        raise RuntimeError("a lost device\nand more")

    alive, held = os.pipe()

    def hang(_):
        subprocess.run(["sleep", "60"], pass_fds=[held], check=False)

    def work(bench):
        bench.note("worked", "yes", passed=True)

    bench = bench_in(tmp_path, ends=time.monotonic() + 2)
    parts = [section("crash", crash), section("fail", fail), section("work", work),
             section("hang", hang)]  # fmt: skip
    begin = time.monotonic()
    list(driver.run(parts, bench))
    os.close(held)
    assert os.read(alive, 1) == b""  # as soon as nobody holds the other end
    os.close(alive)
    assert time.monotonic() - begin < 20
    assert verdicts(tmp_path, "work") == {"worked": True}
    lines = report.failures(tmp_path, parts)
    assert [line.split(" (")[0] for line in lines] == [
        "FAIL crash: Crash: its process ended with exit code -9",
        "FAIL fail: Fail: RuntimeError: a lost device",
        "FAIL hang: Hang: its time was over before it was done",
    ]


def test_a_section_without_enough_time_is_skipped_with_the_reason(tmp_path):
    long = replace(section("long", lambda bench: bench.note("worked", "yes")), least=100)
    assert not list(driver.run([long], bench_in(tmp_path, ends=time.monotonic() + 20)))
    (finding,) = findings_of(tmp_path, "long")
    assert finding.value == "skipped: 20 s were left, and it needs 100"


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf"])
def test_a_budget_that_proves_nothing_is_refused(text):
    with pytest.raises(ArgumentTypeError):
        command.seconds(text)


def test_no_gpu_is_asked_for_before_the_sections_are_forked():
    code = """
import torch
def ask(*_): raise SystemExit("asked")
torch._C._cuda_getDeviceCount = torch._C._cuda_init = ask
import benchmarks.gpu.driver, benchmarks.gpu.report, benchmarks.gpu.sections
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_only_sections_that_measure_nothing_run_at_the_same_time():
    groups = driver.grouped(list(SECTIONS.values()), in_turn=False)
    keys = [[each.key for each in group] for group in groups]
    assert keys == [["environment"], ["worker", "gradients", "maps", "deterministic"],
                    ["record"], ["speed"], ["epochs"], ["loading"], ["memory"]]  # fmt: skip
    assert all(len(group) == 1 for group in driver.grouped(list(SECTIONS.values()), in_turn=True))


def test_sections_that_measure_nothing_really_run_at_the_same_time(tmp_path):
    def meet(other):
        def run(bench):
            bench.note("here", "yes")
            while not findings_of(tmp_path, other):
                time.sleep(0.01)
            bench.note("met", other, passed=True)

        return run

    pair = [section("a", meet("b"), alone=False), section("b", meet("a"), alone=False)]
    list(driver.run(pair, bench_in(tmp_path, device="cuda:0")))
    assert [verdicts(tmp_path, key) for key in "ab"] == [{"here": None, "met": True}] * 2


def test_every_way_to_compute_a_step_is_timed_on_a_gpu(tmp_path):
    bench = bench_in(tmp_path, device="cuda:0")
    groups = list(speed.groups(bench, "resnet18", 128))
    ways = [one for group in groups for one in group]
    assert len({one.name for one in ways}) == len(ways)
    uncut = {(one.plan.key, one.benchmark) for one in ways if not one.config.micro_batch}
    orders, formats = ("channels_last", "contiguous"), ("bfloat16", "float32")
    assert uncut >= set(product([f"{o}/{f}" for o in orders for f in formats], (True, False)))
    compiled = [group for group in groups if group[0].plan.compiled]
    assert [len(group) for group in compiled] == [1, 1, 1]
    assert any(one.config.micro_batch == 32 for (one,) in compiled)


def test_rows_of_the_warm_up_and_of_epochs_are_no_trials():
    header = "|  run     |  epoch  |  tta_val_acc  |  time_seconds  |"
    rows = [
        "|  warmup  |      1  |               |        9.0000  |",
        "|          |   eval  |       0.1000  |        9.5000  |",
        "|       0  |      1  |               |        2.0000  |",
        "|          |   eval  |       0.9410  |        2.6000  |",
        "|       1  |   eval  |       0.9390  |        2.4000  |",
        "|       2  |   ev",  # it was ended here
    ]
    assert airbench.read(["-" * 20, header, *rows]) == [
        Trial(accuracy=0.941, seconds=2.6), Trial(accuracy=0.939, seconds=2.4)
    ]  # fmt: skip
    assert airbench.read(["Traceback"]) == []


@pytest.mark.parametrize(
    ("count", "images", "accuracy", "seconds", "expected"),
    [
        (10, 50_000, 0.9395, 2.6, (True, True)),
        (10, 50_000, 0.9380, 2.6, (False, True)),
        (10, 50_000, 0.9395, 2.9, (True, False)),
        (9, 50_000, 0.9380, 2.9, (None, None)),  # too few trials for a verdict
        (10, 400, 0.9380, 2.9, (None, None)),  # not such images
    ],
)
def test_the_record_is_judged_beside_the_script(
    tmp_path, count, images, accuracy, seconds, expected
):
    bench = bench_in(tmp_path, device="cuda:0")
    ours = [Trial(accuracy=accuracy, seconds=seconds)] * count
    theirs = [Trial(accuracy=0.94, seconds=2.5)] * 10
    record.compare(bench, ours, theirs, SimpleNamespace(train=range(images), kind="archive"))
    found = verdicts(tmp_path)
    assert (found["record_94, accuracy against the script's"],
            found["record_94, time against the script's"]) == expected  # fmt: skip
    copies = [value for value in (f.value for f in findings_of(tmp_path, "one")) if "0.01" in value]
    assert len(copies) == (images == 50_000)  # 94.01 % are published, 94.00 % were found


@pytest.mark.parametrize(("scale", "passed"), [(1.001, True), (1.1, False)])
def test_gradients_that_differ_fail(tmp_path, scale, passed):
    vector = torch.tensor([3.0, 4.0])
    gradients.compare(bench_in(tmp_path), "compiled", [vector, scale * vector], [vector, vector])
    assert list(verdicts(tmp_path).values()) == [passed]


def test_a_want_of_memory_that_is_called_a_bug_fails(tmp_path):
    bench = bench_in(tmp_path)

    def other():
        raise RuntimeError("illegal memory access")

    memory.judge(bench, "bug", memory.failure_of(other))
    memory.judge(bench, "right", memory.failure_of(lambda: memory.allocate("cpu")), "host_memory")
    memory.judge(bench, "worked", memory.failure_of(lambda: None))
    assert verdicts(tmp_path) == {"bug": False, "right": True, "worked": None}


def test_a_full_device_is_filled_to_the_last_piece(monkeypatch):
    room, empty = 3 * memory.LARGEST + 5 * memory.SMALLEST, torch.empty

    def limited(size, **_):
        nonlocal room
        if size > room:
            raise torch.OutOfMemoryError
        room -= size
        return empty(0)

    monkeypatch.setattr(torch, "empty", limited)
    with memory.full("cuda:0"):
        assert room < memory.SMALLEST


def test_the_balloon_leaves_as_much_as_it_should(monkeypatch, capsys):
    free = 10 * balloon.CHUNK
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, free))
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def taken(size, **_):
        nonlocal free
        free -= size

    monkeypatch.setattr(torch, "empty", taken)
    balloon.main("cuda:0", "200")
    assert 200 <= int(capsys.readouterr().out) < 200 + balloon.CHUNK / 1e6


def test_first_calls_and_a_new_process_say_how_they_fail():
    assert [memory.failure_of(step) for step in memory.first_calls("cpu").values()] == [
        ("", "")
    ] * 2
    assert memory.in_new_process("cpu") == ("", "")
    code = """
from benchmarks.gpu.sections import memory
reason, text = memory.in_new_process("cuda:99")
assert reason == "device" and text, (reason, text)
"""  # in a process that has never asked for a GPU
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize(("percents", "passed"), [((95, 93), True), ((60, 70), False)])
def test_the_use_of_the_gpu_is_judged_between_the_first_and_the_last_epoch(
    tmp_path, percents, passed
):
    run = Run(tmp_path / "1-run")
    metrics.attempt_folder(run.path, 1).mkdir(parents=True)
    files.write_json(metrics.attempt_folder(run.path, 1) / "start.json", AttemptStart(at=99))
    rows = RowWriter(metrics.metrics_path(run.path, 1))
    for number, end in enumerate((100, 102, 104), 1):
        rows.add({"kind": "epoch", "t": end, "step": number, "epoch": number, "train_loss": 1,
                  "train_accuracy": 1, "val_loss": 1, "val_accuracy": 1, "best": True})  # fmt: skip
    use = RowWriter(machine_rows.path_of(run.path, 1))
    for t, value in zip((99, 100.5, 102, 103, 105), (0, 0, *percents, 0), strict=True):
        use.add({"t": t, "gpus": [{"device": "cuda:0", "utilization": value}]})
    use.add({"t": 103.5, "gpus": [{"device": "cuda:0"}]})
    bench = bench_in(tmp_path, device="cuda:0")
    epochs.busy(bench, SimpleNamespace(run=run, attempt=1), judged=True)
    assert verdicts(tmp_path) == {"the device computes": passed}
    assert epochs.epoch_seconds(SimpleNamespace(run=run)) == 2
