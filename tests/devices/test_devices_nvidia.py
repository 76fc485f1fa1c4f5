"""The driver's list of GPUs, from a stand-in for NVIDIA's library."""

import sys
from types import SimpleNamespace

import pytest

from cifar_core.devices import nvidia

T400, H100, A100 = "GPU-0a1b2c3d-1", "GPU-9a1b2c3d-2", "GPU-0a99-3"
MIG = "MIG-77aa-4"


class NVMLError(Exception):
    """As the library raises."""


def of_library(gpus, parts=None, lost=()):
    """Return a stand-in for the library: names by UUID, and UUIDs of the parts of a GPU."""
    uuids = list(gpus)

    def handle(index):
        if index in lost:
            raise NVMLError("GPU is lost")
        return uuids[index]

    def part(uuid, index):
        try:
            return (parts or {})[uuid][index]
        except (KeyError, IndexError) as error:
            raise NVMLError("Not Found") from error

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlSystemGetDriverVersion=lambda: b"580.65.06",
        nvmlDeviceGetCount=lambda: len(uuids),
        nvmlDeviceGetHandleByIndex=handle,
        nvmlDeviceGetName=lambda uuid: gpus.get(uuid, "A100 MIG 1g.5gb"),
        nvmlDeviceGetUUID=lambda uuid: uuid,
        nvmlDeviceGetMaxMigDeviceCount=lambda uuid: 7 if parts else 0,
        nvmlDeviceGetMigDeviceHandleByIndex=part,
    )


@pytest.fixture
def three_gpus(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    library = of_library({T400: "T400", H100: "H100", A100: "A100"}, parts={A100: [MIG]})
    monkeypatch.setitem(sys.modules, "pynvml", library)


def names():
    return [gpu.name for gpu in nvidia.listing().gpus]


def test_the_driver_and_its_gpus_are_listed_by_bus(three_gpus):
    assert nvidia.listing().driver == "580.65.06"
    assert names() == ["T400", "H100", "A100"]


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        ("1", ["H100"]),
        ("2, 0", ["A100", "T400"]),
        (H100, ["H100"]),
        ("GPU-9a", ["H100"]),  # a beginning that no other has
        ("GPU-0a", []),  # a beginning that two have
        (MIG, ["A100 MIG 1g.5gb"]),
        ("MIG-77", ["A100 MIG 1g.5gb"]),
        ("1,7,0", ["H100"]),  # up to the first that is not there
        ("1,-1,0", ["H100"]),
        ("1,1", []),
        ("", []),
        ("-1", []),
        ("none", []),
    ],
)
def test_the_rest_is_hidden_as_cuda_hides_it(three_gpus, monkeypatch, visible, expected):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert names() == expected


def test_a_gpu_that_does_not_answer_is_listed_without_hiding_the_others(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", of_library({T400: "T400", H100: "H100"}, lost=[0]))
    assert names() == ["NVIDIA GPU", "H100"]


def test_without_library_or_driver_nothing_is_listed(monkeypatch):
    def failing():
        raise NVMLError("Driver Not Loaded")

    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvidia.listing() == nvidia.Listing()
    library = SimpleNamespace(NVMLError=NVMLError, nvmlInit=failing)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert nvidia.listing() == nvidia.Listing()
