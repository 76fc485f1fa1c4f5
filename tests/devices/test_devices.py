import pytest

from cifar_core import devices
from cifar_core.devices import Device, Inventory, Refused, cpu
from cifar_core.errors import DeviceError, OutOfServiceError

GPU = Device(id="cuda:0", name="Some GPU", memory_megabytes=8000)
SECOND = Device(id="cuda:1", name="Some GPU", memory_megabytes=8000)
CPU = Device(id="cpu", name="Some CPU")
OLD = Refused(id="cuda:1", name="Old GPU", reason="it is too old", trouble="unsupported")
BUSY = Refused(id="cuda:1", name="Busy GPU", reason="it is busy", trouble="in use", awaited=True)


def of(*found, refused=()):
    return Inventory(devices=list(found), refused=list(refused))


def test_automatic_takes_the_first_device_and_says_why():
    assert of(GPU, CPU).choose("auto") == (
        GPU,
        "Some GPU (cuda:0): the fastest device found.",
    )
    assert of(CPU).choose("auto")[1] == "Some CPU (cpu): no GPU was found."


def test_a_device_can_be_asked_for_by_kind_or_by_number():
    assert of(GPU, SECOND, CPU).choose("cuda")[0] is GPU
    assert of(GPU, SECOND, CPU).choose("cuda:1")[0] is SECOND


def test_automatic_waits_for_any_device_of_the_fastest_kind():
    assert of(GPU, SECOND, CPU).candidates("auto") == [GPU, SECOND]
    assert of(GPU, SECOND, CPU).candidates("cuda") == [GPU, SECOND]
    assert of(GPU, SECOND, CPU).candidates("cuda:1") == [SECOND]
    assert of(GPU, SECOND, CPU).candidates("cpu") == [CPU]


def test_a_missing_device_is_answered_with_those_that_are_there():
    with pytest.raises(DeviceError, match=r"no device called 'cuda:3'.*cuda:0, cpu"):
        of(GPU, CPU).choose("cuda:3")


def test_a_gpu_that_cannot_be_used_leaves_the_cpu_and_the_reason():
    chosen, why = of(CPU, refused=[OLD]).choose("auto")
    assert chosen is CPU
    assert why == (
        "Some CPU (cpu): no GPU can be used. Old GPU (cuda:1) cannot be used: it is too old."
    )
    with pytest.raises(DeviceError, match=r"Old GPU \(cuda:1\) cannot be used: it is too old\."):
        of(CPU, refused=[OLD]).choose("cuda:1")


def test_runs_wait_for_a_gpu_that_is_awaited_unless_another_one_is_there():
    with pytest.raises(OutOfServiceError, match=r"^Busy GPU \(cuda:1\) is out of service: it is b"):
        of(CPU, refused=[BUSY]).choose("auto")
    with pytest.raises(OutOfServiceError):
        of(GPU, CPU, refused=[BUSY]).choose("cuda:1")
    assert of(GPU, CPU, refused=[BUSY]).candidates("auto") == [GPU]
    assert of(GPU, CPU, refused=[BUSY]).candidates("cuda") == [GPU]
    assert of(GPU, CPU, refused=[BUSY]).candidates("cpu") == [CPU]


def test_a_gpu_that_nobody_could_number_stands_for_each_number():
    nameless = Refused(id="cuda", name="NVIDIA GPU", reason="no answer", awaited=True)
    with pytest.raises(OutOfServiceError, match="no answer"):
        of(CPU, refused=[nameless]).choose("cuda:0")
    with pytest.raises(DeviceError, match="no device called 'mps'"):
        of(CPU, refused=[nameless]).choose("mps")


def test_a_run_can_ask_for_what_it_would_wait_for_but_not_for_what_torch_cannot_number():
    gone = Refused(id="gpu:2", name="Gone GPU", reason="torch does not see it", awaited=True)
    assert of(GPU, CPU, refused=[BUSY, gone]).names == ["cuda:0", "cpu", "cuda:1"]
    assert of(GPU, CPU, refused=[OLD]).names == ["cuda:0", "cpu"]


def test_the_cpu_is_always_there():
    assert devices.probed().devices[-1].id == "cpu"


def test_threads_leave_a_core_for_the_dashboard():
    assert devices.choose_threads(3) == 3
    assert devices.choose_threads(0) == max(1, devices.usable_cores() - 1)


def test_several_runs_may_share_the_cpu_if_the_environment_says_so(monkeypatch):
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "2")
    monkeypatch.setattr(cpu, "usable_cores", lambda: 9)
    places = devices.cpus()
    assert [place.id for place in places] == ["cpu", "cpu:1"]
    assert {place.torch_name for place in places} == {"cpu"}
    assert devices.choose_threads(0) == 4
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "many")
    assert [place.id for place in devices.cpus()] == ["cpu"]
