import json
import shlex

import pytest
from pages import make_run, open_part, texts
from run_helpers import store_without_executor
from test_runs_worker import attempt, new_run

from cifar_core.__main__ import main, parser
from cifar_core.disk import files
from cifar_core.errors import DataError, RunError
from cifar_core.runs import Run
from cifar_core.runs.exchange.recipe import recipe
from cifar_core.runs.record import metrics
from cifar_core.runs.results.verify import Difference, Verification, first_difference, kept, verify
from cifar_core.terminal.runs import config_of


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with store_without_executor(tmp_path_factory.mktemp("verify") / "store") as store:
        yield store


@pytest.fixture(scope="module")
def trained(store):
    run = new_run(store, epochs=1, seed=3, ema_epochs=0.5)
    assert attempt(run, 1).work().outcome == "finished"
    return run


def test_the_first_steps_come_out_the_same_bit_for_bit(trained):
    found = verify(trained, 5)
    assert found.equal
    assert (found.steps, found.reports) == (5, 5)
    assert kept(trained) == found
    assert "bit for bit" in found.sentence


def test_a_loss_that_differs_in_its_last_bit_is_found(trained):
    path = metrics.metrics_path(trained.path, 1)
    whole = path.read_text()
    rows = [json.loads(line) for line in whole.splitlines()]
    honest = rows[2]["loss"]
    rows[2]["loss"] = honest * (1 + 2**-52)
    assert rows[2]["loss"] != honest
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    try:
        found = verify(trained, 5)
    finally:
        path.write_text(whole)
    assert found.difference == Difference(
        step=3, what="loss", recorded=rows[2]["loss"], again=honest
    )
    assert "Different from step 3 on" in found.sentence


def test_what_is_not_as_it_was_is_named_as_the_likely_reason(trained, store):
    path = trained.path / "environment.json"
    known = files.read_json(path)
    files.write_json(path, {**known, "torch": "1.0", "threads": 1})
    try:
        found = verify(trained, 1)
    finally:
        files.write_json(trained.path / "environment.json", known)
    assert any(reason.startswith("torch was 1.0 and is ") for reason in found.reasons)


def test_another_seed_gives_other_losses(trained, store):
    other = new_run(store, epochs=1, seed=4, ema_epochs=0.5)
    folder = metrics.attempt_folder(other.path, 1)
    folder.mkdir(parents=True)
    for name in ("attempts/1/attempt.json", "attempts/1/start.json", "attempts/1/metrics.jsonl",
                 "environment.json"):  # fmt: skip
        (other.path / name).write_bytes((trained.path / name).read_bytes())
    assert verify(other, 3).difference.step == 1


def test_other_images_are_refused(trained):
    known = files.read_json(trained.path / "environment.json")
    data = {**known["data"], "fingerprint": "0" * 64}
    files.write_json(trained.path / "environment.json", {**known, "data": data})
    try:
        with pytest.raises((RunError, DataError), match="images"):
            verify(trained, 1)
    finally:
        files.write_json(trained.path / "environment.json", known)


def test_a_missing_report_is_a_difference():
    found = first_difference({1: {"loss": 2.0}}, {})
    assert (found.step, found.recorded) == (1, 2.0)


def test_a_run_without_a_step_cannot_be_verified(store):
    with pytest.raises(RunError, match="has not logged a step"):
        verify(new_run(store), 5)


def test_the_command_of_a_run_makes_its_settings_again(trained):
    words = shlex.split(recipe(trained)["command"])
    assert words[:3] == ["python", "-m", "cifar_core"]
    made = config_of(parser().parse_args(words[3:])).to_dict()
    decided = trained.environment.step_plan
    wanted = {**trained.config.to_dict(), "device": "cpu"}
    wanted |= {name: getattr(decided, name) for name in ("memory_format", "precision")}
    assert made == wanted


def test_the_terminal_prints_the_verdict_and_says_it_with_its_exit_code(trained, capsys):
    at = ["--store", str(trained.store_root)]
    assert main(["verify", str(trained.number), "--steps", "2", *at]) == 0
    assert capsys.readouterr().out.startswith("Equal")
    assert main(["reproduce", str(trained.number), "--json", *at]) == 0
    assert json.loads(capsys.readouterr().out)["seed"] == 3


def test_the_reproduce_tab_shows_the_command_and_the_last_verdict(page_store):
    run = make_run(page_store, "Done", seed=11)
    found = Verification(run=run.id, steps=16, reports=2, difference=None, reasons=(), seconds=2.0,
                       at=1.7e9)  # fmt: skip
    files.write_json(run.path / "verify.json", vars(found))
    assert kept(Run(run.path)) == found
    page = open_part(1, "settings", "reproduce")
    assert not page.exception
    assert any("--set seed=11" in block.value for block in page.code)
    assert "the first 16 steps gave the same" in texts(page)


def test_a_run_on_several_devices_is_refused_before_it_trains(page_store, capsys):
    run = make_run(page_store, "Both")
    path = run.path / "environment.json"
    files.write_json(path, {**files.read_json(path), "devices": 2})
    with pytest.raises(RunError, match=r"was trained on 2 devices.*clone it with devices 1 "):
        verify(run)
    assert main(["verify", "1", "--store", str(page_store.root)]) == 2
    assert "was trained on 2 devices" in capsys.readouterr().err
    page = open_part(1, "settings", "reproduce")
    assert "Verify trains on one" in texts(page)
    assert not [button for button in page.button if "verify" in (button.key or "")]
