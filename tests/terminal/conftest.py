import pytest

from cifar_core.__main__ import main


@pytest.fixture
def say(capsys, store):
    """Run a command on the store; return its exit code, what it printed and what it complained."""

    def run(*words):
        code = main([*words, "--store", str(store.root)])
        out, err = capsys.readouterr()
        return code, out, err

    return run
