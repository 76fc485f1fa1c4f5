"""Runs that ask for several devices: all are lent or none, in turn, and each may fail."""

from pathlib import Path

import psutil
import pytest
import torch.distributed as dist
from run_helpers import (
    CPU,
    SMALL,
    attempt,
    queued,
    store_without_executor,
    supervisor,
    until,
)

from cifar_core.config import TrainConfig
from cifar_core.devices import Device, Inventory, Refused, turns
from cifar_core.disk import files
from cifar_core.errors import DeviceError, OutOfServiceError, RunError
from cifar_core.runs.engine import halving, several
from cifar_core.runs.engine.ending import conclude
from cifar_core.runs.engine.full_disk import BufferedLog
from cifar_core.runs.engine.live_attempts import trainer_command
from cifar_core.runs.engine.worker.ranks import launch
from cifar_core.runs.engine.worker.ranks.lost import LOST_RANK, is_of_another
from cifar_core.runs.record import control, metrics
from cifar_core.runs.record.attempt import attempt_of
from cifar_core.runs.record.machine.balance import Balance, Share
from cifar_core.runs.record.records import AttemptPlan, AttemptResult, ShimEnd
from cifar_core.runs.store.queue.device import give_device

GPUS = [Device(id=f"cuda:{n}", name=f"GPU {n}", uuid=f"u{n}") for n in range(3)]
BOTH = {"devices": 2, "batch_size": 8}


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def plan(run, number=1):
    return metrics.attempt_plan(run.path, number)


def states(*runs):
    return [run.status.state for run in runs]


def test_two_devices_are_lent_together_and_shown(store):
    run = queued(store, **BOTH)
    chief = supervisor(store, "obey", devices=[*GPUS, CPU])
    until(lambda: run.status.state == "running", chief.step)
    assert run.status.device == "cuda:0, cuda:1"
    assert store.index.leases() == {"cuda:0": run.id, "cuda:1": run.id}
    assert (plan(run).slots, plan(run).devices) == (["cuda:0", "cuda:1"],) * 2
    with turns.first_free(store.root, GPUS) as turn:
        assert turn.device.id == "cuda:2"
    (row,) = store.runs()
    assert row.devices == ["cuda:0", "cuda:1"]
    run.stop("now")
    until(lambda: run.status.state == "stopped", chief.step)
    with turns.first_free(store.root, GPUS, 3) as turn:
        assert turn is not None


def test_what_a_run_for_two_devices_waits_for_is_kept_free_for_it(store):
    first, second = queued(store), queued(store)
    chief = supervisor(store, "obey", devices=GPUS[:2])
    until(lambda: states(first, second) == ["running"] * 2, chief.step)
    large, small = queued(store, **BOTH), queued(store)
    chief.step()
    assert large.status.message == "Waits for 2 free devices; none is free."
    first.stop("now")
    until(lambda: first.status.state == "stopped", chief.step)
    for _ in range(3):
        chief.step()
    assert states(large, small) == ["queued", "queued"]
    assert large.status.message == "Waits for 2 free devices; 1 is free."
    second.stop("now")
    until(lambda: large.status.state == "running", chief.step)
    assert small.status.state == "queued"


def test_a_device_that_a_run_for_two_does_not_need_is_lent_to_others(store):
    first = queued(store)
    chief = supervisor(store, "obey", devices=GPUS)
    until(lambda: first.status.state == "running", chief.step)
    large, small = queued(store, **BOTH), queued(store)
    until(lambda: states(large, small) == ["running", "queued"], chief.step)


@pytest.mark.parametrize(
    ("devices", "wanted", "words"),
    [
        (GPUS[:1], "auto", "needs 2 devices of one kind at once, but .* 'auto' .* has 1: cuda:0"),
        ([GPUS[0], CPU], "auto", "has 1: cuda:0"),  # never a GPU and the CPU together
        (GPUS, "cuda:1", "for the device 'cuda:1' this machine has 1: cuda:1"),
        ([CPU], "cpu", "has 1: cpu. Choose at most 1"),
    ],
)
def test_a_run_for_more_devices_than_there_are_is_refused(store, devices, wanted, words):
    run = queued(store, device=wanted, **BOTH)
    supervisor(store, "obey", devices=devices).step()
    assert (run.status.state, run.status.reason) == ("failed", "device")
    with pytest.raises(DeviceError, match=words):
        Inventory(devices=list(devices)).enough(wanted, 2)


def test_a_run_waits_for_a_device_that_is_out_of_service():
    lost = Refused(id="cuda:1", name="GPU 1", reason="torch no longer sees it", awaited=True)
    found = Inventory(devices=[GPUS[0], CPU], refused=[lost])
    with pytest.raises(OutOfServiceError, match="cuda:1"):
        found.enough("cuda", 2)
    with pytest.raises(DeviceError, match="has 1"):
        found.enough("cuda", 3)
    assert found.enough("cuda", 1) == [GPUS[0]]


def test_only_the_device_of_the_rank_that_reports_a_failure_goes_out_of_service(store):
    run = queued(store, **BOTH)
    chief = supervisor(store, "lose_second_device", devices=[*GPUS[:2], CPU])
    until(lambda: run.status.deaths == 1, chief.step)
    assert [device.id for device in chief.roster.found.devices] == ["cuda:0", "cpu"]
    assert "The device failed (CUDA error: x)" in run.attempts()[0].ended


def test_without_a_report_every_device_is_suspected():
    both = ("cuda:0", "cuda:1")
    assert several.suspected(both, AttemptResult()) == both
    assert several.suspected(both, AttemptResult(outcome="failed", rank=1)) == ("cuda:1",)


def test_a_run_that_has_begun_goes_on_with_as_many_devices_only(store):
    run = queued(store, **BOTH)
    files.write_json(run.path / "environment.json", {"device": "cuda:0"})
    supervisor(store, "obey", devices=GPUS).step()
    assert run.status.state == "failed"
    assert "began on 1 device, and its settings ask for 2" in run.status.message
    files.write_json(run.path / "environment.json", {"device": "cuda:0", "devices": 2})
    assert several.refusal(run, several.devices_of(run)) == ""


def test_a_run_on_several_devices_is_not_given_a_single_one(store, monkeypatch):
    monkeypatch.setattr("cifar_core.devices.known", lambda _: Inventory(devices=GPUS))
    run = queued(store, **BOTH)
    with pytest.raises(RunError, match="computes on 2 devices at once, and 'cuda:1' is one"):
        give_device(store, run, "cuda:1")


def test_what_the_trainer_leaves_in_a_session_of_its_own_is_ended_with_it(store):
    run = queued(store)
    chief = supervisor(store, "leave_a_session")
    until(lambda: run.status.state == "finished", chief.step)
    folder = metrics.attempt_folder(run.path, 1)
    assert files.read_json(folder / "shim.json")["ended"]["orphans"] == 1
    child = int((folder / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"


def test_several_devices_are_trained_by_torchruns_agent_and_one_as_ever(store):
    one, two = queued(store), queued(store, **BOTH)
    assert trainer_command(one, 1)[2].endswith(".training_worker")
    assert trainer_command(two, 3)[2:] == [
        "cifar_core.runs.engine.worker.ranks.launch",
        "2",
        "cifar_core.runs.engine.worker.training_worker",
        str(two.path),
        "3",
    ]


def test_each_rank_has_its_device_and_its_part_of_the_cores(monkeypatch):
    made = AttemptPlan(slot="cuda:0", device="cuda:0", slots=["cuda:0", "cuda:2"],
                       devices=["cuda:0", "cuda:2"])  # fmt: skip
    assert several.of_rank(made, 0).device == "cuda:0"
    assert (several.of_rank(made, 1).device, several.of_rank(made, 1).slot) == ("cuda:2",) * 2
    monkeypatch.setattr("cifar_core.devices.cpu.usable_cores", lambda: 9)
    assert several.threads_of_one(0, GPUS[:2]) == 4
    assert several.threads_of_one(3, GPUS[:2]) == 3
    assert several.threads_of_one(0, GPUS[:1]) == 8


def test_a_device_that_lacks_memory_computes_half_of_its_part_at_once():
    settings = {"batch_size": 64, "devices": 2}
    assert halving.at_once(settings) == 32
    assert halving.at_once({**settings, "micro_batch": 8}) == 8
    ending = conclude(
        attempt=1, result=AttemptResult(outcome="failed", reason="oom", message="No."),
        ended=ShimEnd(), control=control.Control(), settings=settings, saved=False, deaths=0,
        smaller=16,
    )  # fmt: skip
    assert "with 16 at once on each device; the batch stays 64" in ending.message
    failed = AttemptResult(outcome="failed", reason="oom", message="No.", fits=32)
    over = conclude(
        attempt=1, result=failed, ended=ShimEnd(), control=control.Control(), settings=settings,
        saved=False, deaths=0,
    )  # fmt: skip
    assert over.action == "The memory is free again: resume it."


def test_the_agent_ends_as_the_rank_that_failed_first():
    def failures(*codes):
        error = launch.ChildFailedError.__new__(launch.ChildFailedError)
        error.failures = {rank: Failure(code) for rank, code in enumerate(codes)}
        return error

    assert launch.first_failure(failures(LOST_RANK, -9)) == -9
    assert launch.first_failure(failures(75, LOST_RANK)) == 75
    assert launch.first_failure(failures(LOST_RANK)) == LOST_RANK


class Failure:
    def __init__(self, code):
        self.exitcode = code


def test_the_ranks_meet_where_no_other_machine_can_reach_them():
    meeting = launch.Loopback(launch.HOST, 0, 0, 1, "test", 10)
    port = meeting.next_rendezvous().bootstrap_store_info.master_port
    lines = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path("/proc/net", name).read_text().splitlines()[1:]
    ]
    listening = [line[1] for line in lines if line[3] == "0A" and line[1].endswith(f":{port:04X}")]
    assert listening == [f"0100007F:{port:04X}"]
    assert launch.loopback_interface() == "lo"


@pytest.mark.parametrize(
    ("error", "of_another"),
    [
        (RuntimeError("[third_party/gloo/gloo/transport/tcp/pair.cc:545] Read error"), True),
        (RuntimeError("Connection closed by peer [127.0.0.1]:1"), True),
        (dist.DistStoreError("wait timeout after 1ms"), True),
        (RuntimeError("ncclRemoteError: a remote process exited"), True),
        (RuntimeError("NCCL error: unhandled cuda error, CUDA error: out of memory"), False),
        (RuntimeError("NCCL: CUDA error: unspecified launch failure"), False),
        (ValueError("a bug"), False),
    ],
)
def test_a_lost_rank_is_told_from_a_failure_of_its_own(error, of_another):
    assert is_of_another(error) == of_another


def test_each_line_of_another_rank_is_named(tmp_path):
    path = tmp_path / "log"
    with path.open("wb") as file:
        log = BufferedLog(file.fileno(), name="rank 1: ")
        for part in (b"one", b" line\ntwo\n", b"three\n"):
            log.write(part)
    assert path.read_text() == "rank 1: one line\nrank 1: two\nrank 1: three\n"


class Company:
    """A group of two ranks, of which the other one wishes something."""

    several = writes = True
    joined = None

    def __init__(self, wishes):
        self.wishes = wishes

    def agree(self, wish):
        return wish or self.wishes

    def tell(self, key, values):
        pass


def test_a_rank_that_the_system_ends_interrupts_all(store):
    worker = attempt(store.create(TrainConfig(**SMALL)))
    worker.prepare()
    worker.group = Company(True)
    assert worker.attend("train").outcome == "interrupted"
    worker.group = Company(False)
    assert worker.attend("train") is None


def test_a_device_that_takes_clearly_longer_is_named():
    even = Balance(seconds=0.5, shares=[Share(device="cuda:0", work=0.4),
                                        Share(device="cuda:1", work=0.42)])  # fmt: skip
    assert even.slowest is None
    assert even.waits(0) == pytest.approx(0.2)
    shares = [even.shares[0], replace_work(even.shares[1], 0.5)]
    assert Balance(seconds=0.5, shares=shares).slowest == 1
    assert Balance(seconds=0.0, shares=shares).waits(0) == 0.0


def replace_work(share, work):
    return Share(device=share.device, work=work)


def test_an_attempt_names_each_slot_of_the_cpu(tmp_path):
    (folder := metrics.attempt_folder(tmp_path, 1)).mkdir(parents=True)
    files.write_json(folder / "attempt.json", {"slots": ["cpu", "cpu:1"], "devices": ["cpu"] * 2})
    assert attempt_of(tmp_path, 1).device == "cpu, cpu:1"
