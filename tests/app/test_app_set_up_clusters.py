"""The dialog in which an admin sets up where runs can go."""

import pytest
from pages import open_page, texts

from cifar_core.people import ADMIN, OPERATOR, Person
from cifar_core.runs.backends import backends, settings
from cifar_core.runs.backends.backend import Checked


@pytest.fixture
def store(page_store, monkeypatch):
    monkeypatch.setattr("app.screens.queue.where_runs_go.at_hand", lambda: True)
    return page_store


def keys(page):
    return {button.key for button in page.button}


def open_dialog(kind="slurm"):
    page = open_page("queue")
    page.button(key="where_runs_go").click().run()
    if kind != "slurm":
        page.session_state["cluster kind"] = kind
        reopen(page)
    assert not page.exception
    return page


def reopen(page):
    """Draw the page with the dialog open, which a browser keeps open by itself."""
    page.button(key="where_runs_go").click().run()
    assert not page.exception


def fill(page, name, value, kind="slurm"):
    boxes = page.number_input if isinstance(value, int) else page.text_input
    boxes(key=f"cluster {kind} {name}").set_value(value)
    reopen(page)


def click(page, name):
    page.button(key="where_runs_go").click()
    page.button(key=f"cluster {name}").click().run()
    assert not page.exception


def test_an_admin_sets_up_slurm(store):
    page = open_dialog()
    assert "Runs train on this machine." in texts(page)
    fill(page, "partition", "gpu")
    fill(page, "slots", 7)
    fill(page, "options", "--mem=16G --nice=5")
    click(page, "save")
    kept = settings.read(store.root).slurm
    assert (kept.partition, kept.slots, kept.options) == ("gpu", 7, ["--mem=16G", "--nice=5"])
    page = open_dialog()
    assert page.text_input(key="cluster slurm partition").value == "gpu"


def test_a_wrong_setting_is_said_and_cannot_be_saved(store):
    page = open_dialog()
    fill(page, "options", "--wrap=true")
    assert "cannot be changed" in texts(page)
    assert page.button(key="cluster save").disabled
    assert settings.read(store.root).slurm is None


def test_ray_needs_an_address_and_no_token_is_asked_for(store):
    page = open_dialog("ray")
    assert page.button(key="cluster save").disabled
    assert not [box for box in page.text_input if "token" in box.label.lower()]
    assert "RAY_AUTH_TOKEN" in texts(page).replace("\\", "")
    fill(page, "address", "http://10.0.0.5:8265", "ray")
    click(page, "save")
    assert settings.read(store.root).ray.address == "http://10.0.0.5:8265"


@pytest.mark.parametrize("works", [True, False])
def test_a_test_says_what_the_cluster_answers(store, monkeypatch, works):
    answer = Checked(works=works, sentence="Slurm 22.05.8 answers.")
    monkeypatch.setattr(backends, "check", lambda root, wanted: answer)
    page = open_dialog()
    click(page, "test")
    said = page.success if works else page.error
    assert [one.value for one in said] == ["Slurm 22.05.8 answers."]
    fill(page, "partition", "other")
    assert not page.success
    assert not page.error
    assert settings.read(store.root).slurm is None


def test_a_cluster_is_removed(store):
    assert "cluster remove" not in keys(open_dialog())
    settings.set_up(store.root, store.by, settings.SlurmSettings())
    page = open_dialog()
    click(page, "remove")
    assert settings.read(store.root).slurm is None
    assert "Runs that were handed over continue there" in " ".join(t.value for t in page.toast)


def test_only_admins_are_offered_it(store, monkeypatch):
    monkeypatch.setattr("app.session.person", lambda: Person(name="ann", role=OPERATOR))
    assert "where_runs_go" not in keys(open_page("queue"))
    monkeypatch.setattr("app.session.person", lambda: Person(name="bo", role=ADMIN))
    assert "where_runs_go" in keys(open_page("queue"))


def test_who_uses_one_machine_is_offered_nothing_to_set_up(store, monkeypatch):
    monkeypatch.setattr("app.screens.queue.where_runs_go.at_hand", lambda: False)
    assert "where_runs_go" not in keys(open_page("queue"))
    settings.set_up(store.root, store.by, settings.SlurmSettings())
    assert "where_runs_go" in keys(open_page("queue"))
