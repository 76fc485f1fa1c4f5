"""Probes whose program is a stand-in: what each way to end means for the GPUs."""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_core import devices
from cifar_core.devices import hints, kept, probe
from cifar_core.devices.probing import COMMAND, Probing
from cifar_core.devices.records import Build, Listing, Seen, Verdict, line_of, records_in

FAKE = Path(__file__).parents[1] / "fake_probe.py"
BUILD = {"torch": "2.14.1+cu130", "cuda": "13.0", "capabilities": ["sm_75", "sm_90"]}
H100 = {"name": "H100", "memory_megabytes": 81559, "capability": "9.0"}


def findings(*results, error="", torch="", listed=(), **build):
    """Return what a machine answers whose GPUs end like this, one after another."""
    ids = [f"cuda:{index}" for index in range(len(results))]
    gpus = [{"id": id_, "uuid": f"{id_}-x", **H100} for id_ in ids]
    listing = {"driver": "535.104", "gpus": [
        {"index": index, "name": name, "uuid": f"GPU-cuda:{index}-x"}
        for index, name in enumerate(listed)
    ]}  # fmt: skip
    return {"listing": listing, "torch": torch, "gpus": dict(zip(ids, results, strict=True)),
            "build": {**BUILD, "error": error, "gpus": gpus, **build}}  # fmt: skip


def probed(found, *, in_use=(), silent_seconds=10.0):
    command = [sys.executable, "-S", "-E", str(FAKE), json.dumps(found)]
    inventory = Probing(in_use, command=command, silent_seconds=silent_seconds).wait()
    assert inventory.devices[-1].id == "cpu"
    return inventory


def ids(inventory):
    return [device.id for device in inventory.devices if not device.is_cpu]


def reasons(inventory):
    return {refused.id: refused.reason for refused in inventory.refused}


def test_gpus_that_compute_are_taken_with_name_and_memory():
    found = probed(findings("", "", listed=["H100", "H100"]))
    assert ids(found) == ["cuda:0", "cuda:1"]
    assert (found.devices[0].name, found.devices[0].memory_megabytes) == ("H100", 81559)
    assert (found.refused, found.driver, found.cuda) == ([], "535.104", "13.0")


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("hang", "no answer within 0.5 s"),
        ("crash", "the probe was ended by SIGABRT"),
        ("AcceleratorError: CUDA error: unspecified launch failure",
         "AcceleratorError: CUDA error: unspecified launch failure"),
    ],
)  # fmt: skip
def test_a_gpu_that_hangs_crashes_or_fails_does_not_take_the_others_with_it(result, reason):
    found = probed(findings("", result, ""), silent_seconds=0.5)
    assert ids(found) == ["cuda:0", "cuda:2"]
    assert reasons(found) == {"cuda:1": reason}
    assert found.refused[0].awaited


@pytest.mark.parametrize(
    ("error", "trouble", "words"),
    [
        ("CUDA error: CUDA-capable device(s) is/are busy or unavailable", "in use",
         "another program has it for itself"),
        ("OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 MiB.", "in use",
         "its memory is full"),
        ("CUDA error: no kernel image is available for execution on the device", "unsupported",
         "torch 2.14.1+cu130 has no code for its compute capability 9.0, only for 7.5, 9.0"),
        ("it computes wrong numbers (1, 2)", "failing", "it computes wrong numbers (1, 2)"),
    ],
)  # fmt: skip
def test_why_a_gpu_does_not_compute_is_said_in_words(error, trouble, words):
    refused = probed(findings(error)).refused[0]
    assert words in refused.reason
    assert refused.trouble == trouble
    assert refused.awaited == (trouble != "unsupported")


TOO_OLD = (
    "RuntimeError: The NVIDIA driver on your system is too old (found version 12020). Please "
    "update your GPU driver"
)
NO_DRIVER = "RuntimeError: Found no NVIDIA driver on your system. Please check that you have one"


@pytest.mark.parametrize(
    ("found", "trouble", "reason"),
    [
        (findings(error=TOO_OLD, listed=["H100"]), "unsupported",
         "driver 535.104 is too old for CUDA 13.0: install driver 580 or later, or the CPU build "
         "of torch"),
        (findings(listed=["H100"], cuda=""), "left out",
         "torch 2.14.1+cu130 is the CPU build; the one for CUDA can use it"),
        (findings(error=NO_DRIVER, listed=["H100"]), "failing",
         "torch finds no driver that works: it needs driver 580 or later"),
        (findings(torch="hang", listed=["H100"]), "failing", "no answer within 0.5 s"),
        (findings(torch="crash", listed=["H100"]), "failing", "the probe was ended by SIGABRT"),
    ],
)  # fmt: skip
def test_why_torch_sees_no_gpu_is_said_of_each_that_the_driver_lists(found, trouble, reason):
    inventory = probed(found, silent_seconds=0.5)
    assert ids(inventory) == []
    assert [(r.id, r.name, r.trouble) for r in inventory.refused] == [("cuda:0", "H100", trouble)]
    assert inventory.refused[0].reason == reason


def test_a_gpu_that_the_driver_lists_and_torch_does_not_see_is_told():
    found = probed(findings("", listed=["H100", "T400"]))
    assert ids(found) == ["cuda:0"]
    assert [(refused.id, refused.name) for refused in found.refused] == [("gpu:1", "T400")]


def test_a_container_without_the_drivers_library_finds_its_gpus():
    assert ids(probed(findings(""))) == ["cuda:0"]


def test_a_gpu_in_use_is_left_alone_and_stays():
    assert ids(probed(findings("crash", ""), in_use=["cuda:0"])) == ["cuda:0", "cuda:1"]


def printed(tmp_path, *words):
    """Return what a probe finds whose program prints these words."""
    program = tmp_path / "program.py"
    program.write_text(f"print({''.join(words)!r}, end='')")
    return Probing(command=[sys.executable, "-S", "-E", str(program)]).wait()


GPUS = Build(torch="2", cuda="13.0", gpus=[Seen(id=f"cuda:{n}", name="H100") for n in (0, 1)])
GARBAGE = '{driver 580: note}\n{}\n{"type":"Build"}\n{"type":"Verdict","id":7}\n[]\n\n'


def test_what_a_driver_prints_between_the_records_hides_none_of_them(tmp_path):
    said = [line_of(record) for record in (GPUS, Verdict(id="cuda:0"), Listing(driver="580"))]
    found = printed(
        tmp_path, GARBAGE, "NVRM: ", GARBAGE.join(said), "{", line_of(Verdict(id="cuda:1"))
    )
    assert (ids(found), found.refused, found.driver) == (["cuda:0", "cuda:1"], [], "580")


def test_a_verdict_that_breaks_off_is_none(tmp_path):
    found = printed(tmp_path, line_of(GPUS), line_of(Verdict(id="cuda:0"))[:-5], "\n",
                    line_of(Verdict(id="cuda:1")))  # fmt: skip
    assert ids(found) == ["cuda:1"]
    assert reasons(found) == {"cuda:0": "the probe ended with code 0"}


def test_a_probe_that_prints_only_garbage_says_how_it_ended(tmp_path, with_trace):
    assert reasons(printed(tmp_path, GARBAGE)) == {"cuda": "the probe ended with code 0"}


def test_gpus_are_known_by_their_uuid_unless_several_have_the_same():
    assert [device.uuid for device in probed(findings("", "")).devices] == [
        "cuda:0-x",
        "cuda:1-x",
        "",
    ]
    same = findings("", "")
    for gpu in same["build"]["gpus"]:
        gpu["uuid"] = "00"
    assert [device.uuid for device in probed(same).devices] == ["", "", ""]
    lost = probed(findings("it failed", "", listed=["H100", "H100", "T400"])).refused
    assert [(gpu.id, gpu.uuid) for gpu in lost] == [("cuda:0", "cuda:0-x"), ("gpu:2", "cuda:2-x")]


def test_nothing_waits_for_a_probe_that_hangs():
    command = [sys.executable, "-S", "-E", str(FAKE), json.dumps(findings(torch="hang"))]
    probing = Probing(command=command)
    assert probing.poll() is None
    probing.cancel()
    assert probing.child.returncode < 0


@pytest.fixture
def with_trace(monkeypatch, tmp_path):
    """A machine with the device files of an NVIDIA GPU, and nothing that lists it."""
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(hints, "DEV", tmp_path)
    monkeypatch.setattr(hints, "PCI", tmp_path / "pci")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_a_gpu_that_left_only_a_device_file_is_refused_by_its_kind(with_trace):
    inventory = probed(findings(error=NO_DRIVER))
    assert [(refused.id, refused.name) for refused in inventory.refused] == [("cuda", "NVIDIA GPU")]
    (hints.DEV / "nvidia0").rename(hints.DEV / "kfd")
    assert probed(findings(error=NO_DRIVER)).refused[0].reason.endswith("is not built for ROCm")


def test_a_gpu_on_the_bus_whose_driver_is_not_loaded_yet_is_refused_rather_than_unknown(with_trace):
    (hints.DEV / "nvidia0").unlink()
    slot = hints.PCI / "0000:41:00.0"
    slot.mkdir(parents=True)
    (slot / "vendor").write_text("0x10de\n")
    (slot / "class").write_text("0x020000\n")  # a network card
    assert probed(findings(error=NO_DRIVER)).refused == []
    (slot / "class").write_text("0x030200\n")
    assert probed(findings(error=NO_DRIVER)).refused[0].trouble == "failing"


def test_only_a_trace_of_a_gpu_is_worth_a_probe(with_trace, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert hints.may_have_gpu()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert not hints.may_have_gpu()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    (hints.DEV / "nvidia0").unlink()
    assert not hints.may_have_gpu()
    (hints.DEV / "dxg").touch()
    assert hints.may_have_gpu()


def test_a_machine_without_a_trace_starts_no_process(monkeypatch, tmp_path):
    monkeypatch.setattr(hints, "DEV", tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(kept, "Probing", None)
    assert [device.torch_name for device in devices.current(tmp_path).devices] == ["cpu"]
    assert not kept.path_of(tmp_path).exists()


def test_a_probe_is_made_once_for_a_boot_and_a_torch(with_trace, monkeypatch, tmp_path):
    probes = []

    def probing():
        probes.append(time.monotonic())
        return Probing(command=[sys.executable, "-S", "-E", str(FAKE), json.dumps(findings(""))])

    monkeypatch.setattr(kept, "Probing", probing)
    assert ids(devices.current(tmp_path)) == ids(devices.current(tmp_path)) == ["cuda:0"]
    assert len(probes) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    assert devices.known(tmp_path) is None
    devices.current(tmp_path)
    assert len(probes) == 2


def test_the_real_program_answers_on_this_machine():
    done = subprocess.run(COMMAND, capture_output=True, check=True, timeout=120)
    listing, build, *verdicts = records_in(done.stdout.splitlines())
    assert isinstance(listing, Listing)
    assert len(verdicts) == len(build.gpus)


def test_a_device_computes_what_is_known():
    assert probe.verdict("cpu").error == ""
    assert "meta" in probe.verdict("meta").error


def test_torch_describes_nvidia_and_amd_gpus_and_one_that_does_not_answer(monkeypatch):
    import torch

    megabyte = 2**20
    answers = [
        SimpleNamespace(name="H100", major=9, minor=0, total_memory=81559 * megabyte, uuid="9a"),
        SimpleNamespace(
            name="MI300X", major=9, minor=4, gcnArchName="gfx942", total_memory=megabyte
        ),
    ]

    def properties(index):
        if index == len(answers):
            raise RuntimeError("CUDA error: GPU is lost")
        return answers[index]

    monkeypatch.setattr(torch.backends.cuda, "is_built", lambda: True)
    monkeypatch.setattr(torch.cuda, "init", lambda: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.setattr(torch.cuda, "get_device_properties", properties)
    found = [(gpu.id, gpu.name, gpu.capability, gpu.memory_megabytes) for gpu in probe.build().gpus]
    assert found == [("cuda:0", "H100", "9.0", 81559), ("cuda:1", "MI300X", "gfx942", 1),
                     ("cuda:2", "GPU", "", 0)]  # fmt: skip
