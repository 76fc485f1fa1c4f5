"""Stands for NVIDIA's management library, with invented GPUs; for tests without any."""

import sys
import threading
from types import ModuleType, SimpleNamespace

import torch

UUID = "1b2c"


class Library(ModuleType):
    """pynvml on a machine with GPUs of these UUIDs, of which some figures may be unknown.

    A handle is the number of a GPU. `hangs` holds up every question about it until `released`.
    """

    class NVMLError(Exception):
        pass

    def __init__(self, uuids):
        super().__init__("pynvml")
        self.names = [f"GPU-{uuid}" for uuid in uuids]
        self.unknown, self.asked = set(), []
        self.hangs, self.released = set(), threading.Event()
        self.reasons = [0] * len(uuids)
        self.programs = [[] for _ in uuids]
        memory = SimpleNamespace(used=7 * 10**9, total=85 * 10**9)
        rates = [SimpleNamespace(gpu=93 - number, memory=40) for number in range(len(uuids))]
        self.nvmlInit = lambda: self.answer("init", None)
        self.nvmlSystemGetDriverVersion = lambda: self.answer("driver", "580.65")
        self.nvmlDeviceGetHandleByUUID = self.handle_of
        self.nvmlDeviceGetMemoryInfo = lambda gpu: self.answer("memory", memory, gpu)
        self.nvmlDeviceGetUtilizationRates = lambda gpu: self.answer("rates", rates[int(gpu)], gpu)
        self.nvmlDeviceGetTemperature = lambda gpu, _: self.answer("temperature", 61, gpu)
        self.nvmlDeviceGetPowerUsage = lambda gpu: self.answer("power", 412_500, gpu)
        self.nvmlDeviceGetEnforcedPowerLimit = lambda gpu: self.answer("limit", 700_000, gpu)
        self.nvmlDeviceGetClockInfo = lambda gpu, _: self.answer("clock", 1500, gpu)
        self.nvmlDeviceGetMaxClockInfo = lambda gpu, _: self.answer("clock", 1980, gpu)
        self.nvmlDeviceGetCurrentClocksThrottleReasons = lambda gpu: self.answer(
            "reasons", self.reasons[int(gpu)], gpu
        )
        self.nvmlDeviceGetComputeRunningProcesses = lambda gpu: self.answer(
            "programs", self.programs[int(gpu)], gpu
        )

    def handle_of(self, name):
        if name not in self.names:
            raise self.NVMLError
        return f"{self.names.index(name)}"

    def answer(self, what, value, gpu=None):
        self.asked.append(what)
        if gpu in self.hangs:
            self.released.wait(60)
        if what in self.unknown:
            raise self.NVMLError
        return value


def give(monkeypatch, library, uuids=(UUID,)):
    """Let the program find the library, and torch the GPUs cuda:0, cuda:1, ..."""
    monkeypatch.setitem(sys.modules, "pynvml", library)

    def about(device):
        uuid = list(uuids)[int(str(device).rpartition(":")[2])]
        return SimpleNamespace(uuid=uuid, major=9, minor=0, total_memory=85_899_345_920)

    monkeypatch.setattr(torch.cuda, "get_device_properties", about)
    return library
