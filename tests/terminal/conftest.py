import pytest
from run_helpers import store_without_executor

from cifar_core import devices
from cifar_core.__main__ import main
from cifar_core.devices import Device, Inventory


@pytest.fixture
def say(capsys, store):
    """Run a command on the store; return its exit code, what it printed and what it complained."""

    def run(*words):
        code = main([*words, "--store", str(store.root)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A store on a machine with one CPU, whose runs nothing starts."""
    found = Inventory(devices=[Device(id="cpu", name="a CPU")])
    monkeypatch.setattr(devices, "known", lambda _: found)
    with store_without_executor(tmp_path / "store") as made:
        yield made
