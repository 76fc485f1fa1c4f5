"""The command notify: following runs, and trying an address."""

import pytest
from hostile_webhook import Webhook
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.__main__ import main
from cifar_core.runs.notifications import outbox, subscriptions


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as made:
        yield made


def run(store, *words):
    return main(["notify", *words, "--store", str(store.root)])


def test_runs_are_followed_and_no_longer(store, capsys, monkeypatch):
    monkeypatch.setenv("CIFAR_NOTIFY_TEAM", "ntfy://team-4711")
    made = make_run(store)
    assert run(store, str(made.number), "--mine", "--by", "team", "--kinds", "failed,decided") == 0
    said = capsys.readouterr().out
    assert f"Follows: all own runs, {made.id}" in said
    assert "Kinds: failed, decided\nBy: team" in said
    assert "4711" not in said
    run(store, str(made.number), "--off")
    assert "Follows: all own runs\n" in capsys.readouterr().out


@pytest.mark.parametrize("words", [("--by", "nowhere"), ("--test", "nowhere"), ("--kinds", "odd")])
def test_an_unknown_word_is_refused_and_changes_nothing(store, capsys, words):
    assert run(store, *words) == 2
    assert "There is no" in capsys.readouterr().err
    assert not subscriptions.everyone(store.root)


@pytest.mark.parametrize(
    ("how", "code", "words"), [("ok", 0, "was sent to here"), ("500", 1, "answered 500")]
)
def test_a_test_message_is_sent_once(store, capsys, monkeypatch, how, code, words):
    webhook = Webhook(lambda times, title: how)
    monkeypatch.setenv("CIFAR_NOTIFY_HERE", webhook.url)
    monkeypatch.setenv("CIFAR_NOTIFY_ALLOW", "127.0.0.1")
    assert run(store, "--test", "here") == code
    webhook.close()
    assert words in capsys.readouterr().out
    assert len(webhook.received) == 1
    assert not outbox.is_pending(store.root)
