"""How a run's use of its machine is sampled and kept; the GPUs are invented."""

import sys
import threading
import time
from types import SimpleNamespace

import psutil
import pytest
from fake_nvml import UUID, Library, give
from run_helpers import SMALL, attempt, store_without_executor, timeless, weights_of

from cifar_core.config import TrainConfig
from cifar_core.devices import nvml
from cifar_core.devices.use import control_groups, machine, main_memory
from cifar_core.devices.use.gpu_use import GPU, GPUUse
from cifar_core.devices.use.processes import Processes
from cifar_core.disk import files
from cifar_core.runs.engine.worker import machine_sampler
from cifar_core.runs.engine.worker.machine_sampler import GPUWatch, Look, MachineSampler
from cifar_core.runs.record.machine import rows, words
from cifar_core.runs.record.machine.history import MachineHistory
from cifar_core.runs.record.machine.rows import MachineRow

TWO = ("1b2c", "3d4e")
NOW = MachineRow(
    t=5.0, cpu=0.94, cpu_allowed=1.0, cpu_busy=1.9, cpu_all=2.0, memory=1.2e9, memory_used=3e9,
    memory_limit=8e9, swapped=0.0, disk_free=5e9,
)  # fmt: skip


@pytest.fixture
def library(monkeypatch):
    """One GPU, which torch and the library know."""
    return give(monkeypatch, Library([UUID]))


def asked(own=()):
    return GPU("cuda:0", nvml.handle_of(UUID)).use(set(own))


@pytest.mark.parametrize("name", [f"GPU-{UUID}", f"MIG-{UUID}"])
def test_a_sample_has_what_the_gpu_says_of_itself(library, name):
    library.names = [name]
    found = asked()
    assert (found.memory_used, found.memory_total) == (7e9, 85e9)
    assert (found.utilization, found.temperature) == (93, 61)
    assert (found.power, found.power_limit) == (412.5, 700)
    assert (found.clock, found.highest_clock) == (1500, 1980)
    library.unknown = {"memory", "rates", "reasons"}
    part = asked()
    assert (part.memory_used, part.utilization, part.temperature) == (None, None, 61)
    assert part.hot is None


@pytest.mark.parametrize(
    ("reasons", "hot", "capped"),
    [(0, 0, 0), (0x1, 0, 0), (0x4, 0, 1), (0x20, 1, 0), (0x40 | 0x4, 1, 1), (0x80, 0, 1)],
)
def test_heat_and_a_limit_of_power_are_distinguished(library, reasons, hot, capped):
    library.reasons = [reasons]
    found = asked()
    assert (found.hot, found.capped) == (hot, capped)


def test_memory_of_others_is_known_only_where_the_run_is_listed(library):
    mine = SimpleNamespace(pid=7, usedGpuMemory=2 * 10**9)
    others = [SimpleNamespace(pid=8, usedGpuMemory=3 * 10**9),
              SimpleNamespace(pid=9, usedGpuMemory=None)]  # fmt: skip
    library.programs = [others]
    assert asked(own=[7]).memory_others is None
    library.programs = [[mine, *others]]
    assert asked(own=[7]).memory_others == 3e9
    library.programs = [[mine]]
    assert asked(own=[7]).memory_others == 0


@pytest.fixture
def at_once(monkeypatch):
    """Samples follow each other without a pause, and each has a row."""
    monkeypatch.setattr(machine_sampler, "seconds_of_a_row", lambda *_: 0.0)
    monkeypatch.setattr(machine_sampler, "SECONDS", 0.01)


def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def sampling(folder, devices, until):
    """Sample until the rows read so far satisfy a condition; return them."""
    path = folder / "machine.jsonl"
    sampler = MachineSampler(devices, path)
    sampler.start()
    try:
        wait_for(lambda: until(rows.read(path)[0]))
    finally:
        sampler.stop()
    sampler.thread.join(30)
    assert not sampler.thread.is_alive()
    return rows.read(path)[0]


def test_cores_memory_and_disk_are_sampled_without_a_gpu(tmp_path, at_once, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    found = sampling(tmp_path, ["cpu"], lambda read: len(read) > 3)
    row = found[-1]
    assert row.cpu >= 0
    assert row.cpu_allowed <= row.cpu_all == psutil.cpu_count()
    assert 10e6 < row.memory < row.memory_used < row.memory_limit
    assert row.disk_free > 0
    assert row.swapped >= 0
    assert row.gpus == []


def test_every_gpu_of_a_run_is_sampled(tmp_path, at_once, monkeypatch):
    give(monkeypatch, Library(TWO), TWO)
    found = sampling(tmp_path, ["cuda:0", "cuda:1"], lambda read: any(r.gpus for r in read))
    (row, *_) = [row for row in found if row.gpus]
    assert [(gpu.device, gpu.utilization) for gpu in row.gpus] == [("cuda:0", 93), ("cuda:1", 92)]


def test_a_gpu_that_is_lost_leaves_the_others_and_the_rest(tmp_path, at_once, monkeypatch):
    library = give(monkeypatch, Library(TWO), TWO)
    watch = GPUWatch(["cuda:0", "cuda:1"], threading.Event(), Processes())
    library.names[0] = "gone"
    watch.start()
    wait_for(watch.latest)
    assert [use.device for use in watch.latest()] == ["cuda:1"]
    library.unknown = {"memory", "rates", "temperature", "power"}
    watch.thread.join(30)
    assert not watch.thread.is_alive()
    assert watch.latest() == []


def test_a_driver_that_hangs_holds_up_no_row(tmp_path, at_once, monkeypatch, library):
    monkeypatch.setattr(machine_sampler, "OLD", 0.2)

    def until(read):
        if any(row.gpus for row in read):
            library.hangs = {"0"}
        return library.hangs and len(read) > 3 and not any(row.gpus for row in read[-3:])

    found = sampling(tmp_path, ["cuda:0"], until)
    library.released.set()
    assert found[0].cpu is not None
    assert found[-1].cpu is not None
    assert found[-1].gpus == []


def denied(*_, **__):
    raise psutil.AccessDenied


def test_what_psutil_is_denied_is_left_out(tmp_path, at_once, monkeypatch):
    for name in ("virtual_memory", "swap_memory", "cpu_times"):
        monkeypatch.setattr(psutil, name, denied)
    monkeypatch.setattr(psutil.Process, "memory_info", denied)
    monkeypatch.setattr(psutil.Process, "children", denied)
    (row, *_) = sampling(tmp_path, ["cpu"], lambda read: len(read) > 1)
    assert row.cpu is not None
    assert (row.cpu_busy, row.memory_used, row.swapped) == (None, None, None)
    assert row.disk_free > 0
    assert words.in_words(row).startswith("CPU ")


def test_if_all_is_denied_no_row_is_written_and_nothing_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_sampler, "attempted", lambda _: None)
    look = Look(Processes(), SimpleNamespace(latest=list), tmp_path)
    assert look.now().is_empty


def test_a_folder_that_is_gone_ends_only_the_sampling(tmp_path, at_once):
    sampler = MachineSampler(["cpu"], tmp_path / "gone" / "machine.jsonl")
    sampler.start()
    sampler.thread.join(30)
    assert not sampler.thread.is_alive()


def test_children_of_the_trainer_count_and_the_time_of_those_that_ended_stays(monkeypatch):
    times = {1: 5.0, 2: 3.0}

    class Process:
        def __init__(self, pid=None):
            self.pid = pid or 1

        def __hash__(self):
            return self.pid

        def __eq__(self, other):
            return self.pid == other.pid

        def children(self, recursive):
            return [Process(2)] if 2 in times else []

        def cpu_times(self):
            if self.pid not in times:
                raise psutil.NoSuchProcess(self.pid)
            return SimpleNamespace(user=times[self.pid], system=0.0)

        def memory_info(self):
            if self.pid not in times:
                raise psutil.NoSuchProcess(self.pid)
            return SimpleNamespace(rss=100, shared=30)

    monkeypatch.setattr(psutil, "Process", Process)
    now = [0.0]
    processes = Processes(clock=lambda: now[0])
    assert processes.cpu_seconds() == 0
    assert (processes.memory(), processes.ids) == (140, {1, 2})
    times.update({1: 6.0, 2: 5.0})
    assert processes.cpu_seconds() == 3.0
    del times[2]
    assert processes.cpu_seconds() == 3.0
    assert processes.memory() == 70
    now[0] = 60.0
    assert (processes.cpu_seconds(), processes.ids) == (3.0, {1})


@pytest.fixture
def grouped(tmp_path, monkeypatch):
    """The control group of a container, whose limits are still to be written."""
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    membership = tmp_path / "cgroup"
    membership.write_text("0::/box\n")
    monkeypatch.setattr(control_groups, "MEMBERSHIP", membership)
    (tmp_path / "box").mkdir()
    return tmp_path / "box"


def test_a_control_group_limits_memory_and_cores(grouped):
    machine_memory, cores = psutil.virtual_memory().total, machine.cores_allowed()
    assert main_memory.main_memory()[1] == machine_memory
    (grouped / "memory.max").write_text("900000000\n")
    (grouped / "memory.current").write_text("600000000\n")
    (grouped / "memory.stat").write_text("anon 1\ninactive_file 100000000\n")
    assert main_memory.main_memory() == (500_000_000, 900_000_000)
    (grouped / "cpu.max").write_text("50000 100000\n")
    assert machine.cores_allowed() == 0.5
    (grouped / "cpu.max").write_text("max 100000\n")
    assert machine.cores_allowed() == cores


def test_the_first_version_of_control_groups_limits_cores_too(tmp_path, monkeypatch):
    monkeypatch.setattr(control_groups, "ROOT", tmp_path)
    monkeypatch.setattr(control_groups, "MEMBERSHIP", tmp_path / "cgroup")
    (tmp_path / "cgroup").write_text("4:memory:/box\n2:cpuacct,cpu:/box\n")
    folder = tmp_path / "cpu" / "box"
    folder.mkdir(parents=True)
    assert control_groups.groups("cpu")[0] == folder
    (folder / "cpu.cfs_quota_us").write_text("-1\n")
    (folder / "cpu.cfs_period_us").write_text("100000\n")
    assert control_groups.cores(folder) is None
    (folder / "cpu.cfs_quota_us").write_text("25000\n")
    assert machine.cores_allowed() == 0.25


def sampled(tmp_path, hours, gpus=1):
    """Sample an invented machine for so many hours of an invented clock; return the rows."""
    sampler, now = MachineSampler(["cpu"], tmp_path / "machine.jsonl"), [0.0]

    def wait(seconds):
        now[0] += seconds
        return now[0] > hours * 3600

    sampler.stopped.wait = wait
    kept = []
    sampler.rows.add = kept.append
    use = [GPUUse(device=f"cuda:{gpu}", utilization=50, temperature=50) for gpu in range(gpus)]

    def look():
        even = now[0] % 2
        return MachineRow(t=now[0], cpu=even, memory=1000 + even, disk_free=9 - even, gpus=use)

    sampler.sample(look, clock=lambda: now[0])
    return kept


def test_a_day_of_seconds_is_thinned_out(tmp_path):
    hour = sampled(tmp_path, 1)
    assert len(hour) == pytest.approx(3600, abs=2)
    day = sampled(tmp_path, 24)
    assert day[:3000] == hour[:3000]
    assert len(day) < 3600 * 4.5  # ln 24 = 3.2
    assert 20 < day[-1]["seconds"] < 25
    assert day[-1]["seconds"] == pytest.approx(day[-1]["t"] - day[-2]["t"])
    assert 0.4 < day[-1]["cpu"] < 0.6  # of all seconds, not of one
    assert (day[-1]["memory"], day[-1]["disk_free"]) == (1001, 8)


def test_no_file_exceeds_its_bytes_however_long_and_wide(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MOST_BYTES", 300_000)
    few = sampled(tmp_path, 24, gpus=8)
    size = sum(len(files.line_of(row)) for row in few)
    assert 150_000 < size < 300_000
    assert few[-1]["t"] > 12 * 3600  # its end is not left out


def test_a_month_has_fewer_rows_than_the_bytes_allow():
    age, count = 0.0, 0
    while age < 30 * 86400:
        age += rows.seconds_of_a_row(age, count * 400, 400)
        count += 1
    assert 26_000 < count < 29_000
    assert count * 400 < rows.MOST_BYTES


def test_several_seconds_in_one_row_keep_their_peaks():
    one = GPUUse(device="cuda:0", memory_used=5, temperature=40, utilization=100, power=300.0)
    two = GPUUse(device="cuda:0", memory_used=9, temperature=44, utilization=50, hot=1.0)
    row = rows.together([
        MachineRow(t=1, cpu=1.0, memory=7, disk_free=3, gpus=[one]),
        MachineRow(t=2, cpu=2.0, memory=6, disk_free=4, gpus=[two]),
    ])  # fmt: skip
    (gpu,) = row.gpus
    assert (row.t, row.seconds, row.cpu, row.memory, row.disk_free) == (2, 2, 1.5, 7, 3)
    assert gpu == GPUUse(device="cuda:0", memory_used=9, temperature=44, utilization=75,
                         power=300.0, hot=1.0)  # fmt: skip


def test_damaged_rows_are_not_read(tmp_path):
    path = rows.path_of(tmp_path, 1)
    path.parent.mkdir(parents=True)
    files.append_line(path, {"t": 1.0, "cpu": 7})
    with path.open("a") as file:
        file.write('{"t":"x","cpu":7}\n{"t":3.0,"cpu":9}\n{"t":4')
    found, end = rows.read(path)
    assert [row.t for row in found] == [1.0, 3.0]
    assert rows.read(path, end) == ([], end)
    assert rows.latest(tmp_path, 1) is None  # the line before the cut one has no checksum
    path.write_bytes(path.read_bytes() + b"}\n")
    files.append_line(path, files.plain_of(NOW))
    assert rows.latest(tmp_path, 1) == NOW
    assert rows.latest(tmp_path, 2) is None
    assert rows.read(tmp_path / "none.jsonl") == ([], 0)


def test_a_history_reads_only_what_is_new_and_files_of_earlier_versions(tmp_path):
    old = tmp_path / "attempts" / "1"
    old.mkdir(parents=True)
    files.write_json(old / "attempt.json", {"device": "cuda:1"})
    for t in (10.0, 11.0, 14.0):
        files.append_line(old / "gpu.jsonl", {"t": t, "utilization": 60, "memory_used": 5})
    history = MachineHistory(tmp_path)
    first = history.poll()
    assert list(first.seconds) == [1, 1, 3]
    assert list(first.gpus["cuda:1"]["utilization"]) == [60, 60, 60]
    assert history.starts == []
    path = rows.path_of(tmp_path, 2)
    path.parent.mkdir()
    files.append_line(path, files.plain_of(NOW))
    files.write_json(path.parent / "start.json", {"at": 4.0})
    both = history.poll()
    assert (len(both), history.starts) == (4, [4.0])
    assert both.figures["cpu"][-1] == 0.94
    assert history.poll() is both


@pytest.mark.parametrize("name", ["gpus", "cpu"])
def test_rows_of_the_wrong_type_are_left_out(name):
    assert rows.row_of({"t": 1.0, name: "many"}, MachineRow) is None
    assert rows.row_of({"t": 1.0, "gpus": [{}] * 65}, MachineRow) is None


def test_the_use_of_the_machine_in_words():
    assert words.in_words(NOW) == "CPU 94\u00a0%, 1.2\u00a0GB"
    gpu = GPUUse(device="cuda:0", utilization=61, memory_used=8.1e9, memory_total=12e9,
                 temperature=71)  # fmt: skip
    with_gpu = MachineRow(cpu=0.94, cpu_allowed=1.0, memory=1.2e9, gpus=[gpu])
    assert words.in_words(with_gpu) == (
        "CPU 94\u00a0%, 1.2\u00a0GB; GPU 61\u00a0%, 8.1 of 12.0\u00a0GB, 71\u00a0°C"
    )
    two = MachineRow(gpus=[GPUUse(device="cuda:0", utilization=80, temperature=60, memory_used=1e9,
                                  memory_total=8e9),
                           GPUUse(device="cuda:1", utilization=90, temperature=70, memory_used=2e9,
                                  memory_total=8e9)])  # fmt: skip
    assert words.in_words(two) == "2 GPUs 85\u00a0%, 3.0 of 16.0\u00a0GB, 70\u00a0°C"
    assert words.machine_words(NOW) == ("1.9 of 2 cores busy, 3.0 of 8.0\u00a0GB of memory in use")
    assert words.in_words(MachineRow()) == words.machine_words(MachineRow()) == ""


def test_training_is_the_same_bit_for_bit_with_and_without_samples(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_sampler, "SECONDS", 0.01)
    monkeypatch.setattr(machine_sampler, "seconds_of_a_row", lambda *_: 0.0)
    monkeypatch.setattr(MachineSampler, "apart", lambda sampler: 0.0)
    kept = []
    for name in ("with", "without"):
        if name == "without":
            monkeypatch.setattr(MachineSampler, "start", lambda sampler: None)
        with store_without_executor(tmp_path / name) as store:
            run = store.create(TrainConfig(**{**SMALL, "epochs": 2}, deterministic=True))
            worker = attempt(run)
            assert worker.work().outcome == "finished"
            worker.sampler.stop()
            assert bool(rows.read(rows.path_of(run.path, 1))[0]) == (name == "with")
            kept.append((timeless(run.metrics()), weights_of(run)))
    assert kept[0] == kept[1]


def test_a_full_disk_keeps_few_rows_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_sampler, "MOST_WAITING", 1000)
    monkeypatch.setattr(machine_sampler, "seconds_of_a_row", lambda *_: 0.0)
    sampler, looks = MachineSampler(["cpu"], tmp_path / "machine.jsonl"), []
    sampler.rows.write = lambda: None
    sampler.stopped.wait = lambda _: len(looks) == 100
    sampler.sample(lambda: looks.append(1) or NOW)
    assert 1000 <= len(sampler.rows.waiting) < 1400
    assert list(tmp_path.iterdir()) == []
