import os
import stat

import pytest

from cifar_core import device
from cifar_core.errors import DeviceError

GPU = device.Device(id="cuda:0", name="Some GPU", memory_megabytes=8000)
SECOND = device.Device(id="cuda:1", name="Some GPU", memory_megabytes=8000)
CPU = device.Device(id="cpu", name="Some CPU")


def test_automatic_takes_the_first_device_and_says_why():
    assert device.choose("auto", [GPU, CPU]) == (
        GPU,
        "Some GPU (cuda:0): the fastest device found.",
    )
    assert device.choose("auto", [CPU])[1] == "Some CPU (cpu): no GPU was found."


def test_a_device_can_be_asked_for_by_kind_or_by_number():
    assert device.choose("cuda", [GPU, SECOND, CPU])[0] is GPU
    assert device.choose("cuda:1", [GPU, SECOND, CPU])[0] is SECOND


def test_a_missing_device_is_answered_with_those_that_are_there():
    with pytest.raises(DeviceError, match=r"no device called 'cuda:3'.*cuda:0, cpu"):
        device.choose("cuda:3", [GPU, CPU])


@pytest.fixture
def two_gpus(tmp_path, monkeypatch):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho '0, H100, 81559, GPU-a'\necho '1, A100, 40960, GPU-b'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_gpus_are_listed_from_what_the_driver_says(two_gpus):
    assert [(d.id, d.name, d.memory_megabytes) for d in device.nvidia_gpus()] == [
        ("cuda:0", "H100", 81559),
        ("cuda:1", "A100", 40960),
    ]


@pytest.mark.parametrize(
    ("visible", "names"), [("1", ["A100"]), ("1,0", ["A100", "H100"]), ("GPU-b", ["A100"])]
)
def test_hidden_gpus_are_not_listed_and_the_rest_are_numbered_as_torch_does(
    two_gpus, monkeypatch, visible, names
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    found = device.nvidia_gpus()
    assert [d.name for d in found] == names
    assert [d.id for d in found] == [f"cuda:{i}" for i in range(len(names))]


@pytest.mark.parametrize("visible", ["", "-1"])
def test_all_gpus_can_be_hidden(two_gpus, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert device.nvidia_gpus() == []


def test_the_cpu_is_always_there():
    assert device.inventory()[-1].id == "cpu"


def test_threads_leave_a_core_for_the_dashboard():
    assert device.choose_threads(3) == 3
    assert device.choose_threads(0) == max(1, device.usable_cores() - 1)


def test_several_runs_may_share_the_cpu_if_the_environment_says_so(monkeypatch):
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "2")
    monkeypatch.setattr(device, "usable_cores", lambda: 9)
    places = [place for place in device.inventory() if place.torch_name == "cpu"]
    assert [place.id for place in places] == ["cpu", "cpu:1"]
    assert device.choose_threads(0) == 4
    monkeypatch.setenv("CIFAR_CPU_SLOTS", "many")
    assert [place.id for place in device.cpus()] == ["cpu"]
