"""train-on, and train --from, on a store whose runs nobody starts."""

import pytest
from pages import make_run
from run_helpers import store_without_executor


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        make_run(store, "First", epochs=2, schedule="constant", learning_rate=0.02)
        yield store


def test_a_run_is_trained_on_with_a_rate_and_settings(say, store):
    code, out, _ = say("train-on", "1", "--epochs", "3", "--set", "patience=2")
    assert (code, out.splitlines()[1]) == (0, "The last rate, from 0.02.")
    child = store.run(2)
    assert (child.status.state, child.about.start.how) == ("queued", "continues")
    assert (child.config.epochs, child.config.patience, child.config.learning_rate) == (5, 2, 0.02)
    say("train-on", "1", "--epochs", "3", "--rate", "0.005", "--name", "Slow")
    assert (store.run(3).config.learning_rate, store.run(3).name) == (0.005, "Slow")
    say("train-on", "1", "--epochs", "3", "--rate", "cycle")
    assert store.run(4).config.schedule == "one_cycle"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--rate", "lst"], "Did you mean 'last'"),
        (["--set", "model=resnet18"], "model would change"),
        (["--set", "patience"], "not of the form"),
        (["--checkpoint", "9"], "no checkpoint called '9'"),
    ],
)
def test_what_cannot_be_trained_on_is_said(say, store, words, why):
    code, _, err = say("train-on", "1", "--epochs", "3", *words)
    assert code != 0
    assert why in " ".join(err.split())
    assert len(store.runs()) == 1


def test_a_run_starts_from_the_weights_of_another(say, store):
    tiny = ["--data", "synthetic:300", "--set", "epochs=1"]
    model = f"model={store.run(1).config.model}"
    name = store.run(1).checkpoint("last").name
    code, _, _ = say("train", *tiny, "--set", model, "--from", f"1:{name}")
    assert code == 0
    start = store.run(2).about.start
    assert (start.run, start.checkpoint, start.how) == ("1-first", name, "weights")
    code, _, err = say("train", *tiny, "--set", "model=resnet18", "--from", "1")
    assert "none of them fits ResNet-18" in " ".join(err.split())
    code, _, err = say("train", *tiny, "--from", "1:")
    assert "names no checkpoint" in err
    assert len(store.runs()) == 2
