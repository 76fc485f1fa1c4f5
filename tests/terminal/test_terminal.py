"""The terminal, used as a person would, on the smallest real runs."""

import getpass
import json
import re
import shutil

import pytest
from pages import make_run
from PIL import Image
from run_helpers import store_without_executor

from cifar_core import devices
from cifar_core.__main__ import main
from cifar_core.devices import Inventory, Refused
from cifar_core.evaluation import temperature
from cifar_core.runs import RATE_SEARCH
from cifar_core.runs.store.store import Store

TINY = ["--set", "epochs=1", "--set", "batch_size=32", "--data", "synthetic:300"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A store with one finished run, made by the terminal itself."""
    root = tmp_path_factory.mktemp("store")
    code = main(["train", *TINY, "--name", "First try", "--store", str(root), "--foreground"])
    assert code == 0
    yield root
    Store(root).shutdown_executor()


@pytest.fixture
def not_calibrated(trained):
    """No answers to the validation images are kept, whatever was asked of the run before."""
    for folder in trained.glob("runs/*/predictions"):
        shutil.rmtree(folder)


@pytest.fixture
def say(capsys, trained):
    """Run a command on the store; return its exit code, what it printed and what it complained."""

    def run(*words):
        code = main([*words, "--store", str(trained)])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_rate_is_searched_for_with_the_settings_of_a_training(tmp_path, capsys):
    with store_without_executor(tmp_path / "store") as store:
        words = ["find-rate", "--background", "--data", "synthetic:200", "--set", "optimizer=adam"]
        assert main([*words, "--store", str(store.root)]) == 0
        (row,) = store.runs()
        assert capsys.readouterr().out.strip() == row.id
        assert (row.kind, row.state, row.optimizer) == (RATE_SEARCH, "queued", "adam")


def test_a_finished_run_is_listed_with_its_results(say):
    code, out, _ = say("runs")
    assert code == 0
    assert "First try" in out
    assert "finished" in out
    assert re.search(r"\d\d\.\d\d %", out)


def test_lists_can_be_read_by_programs(say):
    (row,) = json.loads(say("runs", "--json")[1])
    assert (row["number"], row["state"], row["epochs_done"]) == (1, "finished", 1)
    record = json.loads(say("show", "1", "--json")[1])
    assert record["settings"]["batch_size"] == 32
    assert record["environment"]["data"]["kind"] == "synthetic"
    titles = [row["title"] for row in json.loads(say("data", "status", "--json")[1])]
    assert "Synthetic shapes" in titles


def test_evaluating_the_test_images_again_gives_what_the_run_found(say):
    code, out, _ = say("evaluate", "1", "--split", "test", "--json")
    (row,) = json.loads(out)
    summary = json.loads(say("show", "1", "--json")[1])["summary"]
    assert code == 0
    assert row["images"] == 60
    assert row["accuracy"] == pytest.approx(summary["test_accuracy"], abs=0.05)
    assert row["accuracy"] <= row["top3"] <= 1
    low, high = row["accuracy_interval"]
    assert low < row["accuracy"] < high


def test_each_look_at_the_test_images_is_counted_and_said(say):
    before = say("evaluate", "1", "--split", "test")[2]
    after = say("evaluate", "1", "--split", "test")[2]
    assert "Choose by validation, report by test." in after
    assert before.split(".")[0] != after.split(".")[0]  # how often
    assert f"{getpass.getuser()}, the terminal." in after
    assert say("evaluate", "1")[2] == (  # validation is free
        "Uncalibrated. On the 30 validation images, no temperature is clearly better than leaving "
        "the probabilities as they are.\n"
    )


def test_every_class_has_a_line_of_its_own(say):
    rows = json.loads(say("evaluate", "1", "--classes", "--json")[1])
    assert len({row["class"] for row in rows}) == 10
    assert all(0 <= row[key] <= 1 for row in rows for key in ("precision", "recall", "f1"))


@pytest.mark.usefixtures("not_calibrated")
@pytest.mark.parametrize("method", ["gradient", "hires_cam"])
def test_a_picture_is_explained_and_drawn(say, tmp_path, method):
    picture, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.new("RGB", (90, 60), (200, 30, 30)).save(picture)
    code, said, _ = say("explain", "1", str(picture), "--method", method, "--out", str(out))
    assert code == 0
    assert said.count("%") == 5
    with Image.open(out) as drawn:
        assert drawn.size == (90, 60)


@pytest.mark.usefixtures("not_calibrated")
def test_a_picture_is_calibrated_and_its_nearest_training_images_are_named(
    say, tmp_path, monkeypatch
):
    monkeypatch.setattr(temperature, "CLEAR", -1e9)  # 30 images alone would not be enough
    picture = tmp_path / "red.png"
    Image.new("RGB", (40, 30), "red").save(picture)
    (plain, *_) = json.loads(say("explain", "1", str(picture), "--json")[1])
    assert list(plain) == ["class", "probability"]
    code, out, _ = say("explain", "1", str(picture), "--calibrate", "--json")
    assert code == 0
    rows = json.loads(out)
    assert rows[0]["class"] == plain["class"]
    assert rows[0]["raw"] == plain["probability"] != rows[0]["probability"]
    assert rows[0]["unlike"] in (True, False)
    assert [row["similarity"] for row in rows] == sorted(r["similarity"] for r in rows)[::-1]
    assert say("explain", "1", str(picture), "--json")[1] == out  # it is kept


@pytest.mark.usefixtures("not_calibrated")
def test_a_folder_of_pictures_is_explained_by_several_methods(say, tmp_path):
    pictures, out = tmp_path / "in", tmp_path / "out"
    pictures.mkdir()
    for name in ("a", "b"):
        Image.new("RGB", (90, 60), (200, 30, 30)).save(pictures / f"{name}.png")
    code, said, err = say(
        "explain", "1", str(pictures), "--method", "gradient,hires_cam", "--rival", "disc",
        "--keep", "20", "--out", str(out),
    )  # fmt: skip
    assert code == 0, err
    assert said.count("%") == 10
    kinds = [path.suffix for path in out.iterdir()]
    assert (kinds.count(".npy"), kinds.count(".json"), kinds.count(".csv")) == (4, 4, 1)
    assert (out / "predictions.csv").read_text().count("a.png") == 5
    records = [json.loads(path.read_text()) for path in out.glob("*.json")]
    assert {record["method"] for record in records} == {"gradient", "hires_cam"}
    assert {(record["rival"], record["keep"]) for record in records} == {("disc", 0.2)}


def test_several_maps_do_not_overwrite_each_other_in_one_file(say, tmp_path):
    picture, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.new("RGB", (90, 60), (200, 30, 30)).save(picture)
    code, _, err = say("explain", "1", str(picture), "--target", "all", "--out", str(out))
    assert code == 2
    assert "Give a folder" in err
    assert not out.exists()


def test_stopping_a_run_that_is_over_is_fine(say):
    assert say("stop", "1")[0] == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["show", "7"], "7"),
        (["train", "--set", "epochs=0"], "epochs is 0, but it must be a whole number between 1"),
        (["train", "--set", "epochs"], "not of the form KEY=VALUE"),
        (["train", "--set", "epoch=3"], "Did you mean 'epochs'"),
        (["train", "--preset", "lab_cn"], "Did you mean 'lab_cnn'"),
        (["explain", "1", "no-such-file.png"], "There is no file no-such-file.png"),
        (["explain", "1", "x.png", "--method", "grad"], "Did you mean 'gradient'"),
    ],
)
def test_what_the_user_can_mend_is_told_in_a_sentence(say, words, sentence):
    code, out, err = say(*words)
    assert code == 2
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err


def test_a_refused_training_leaves_no_run_behind(say):
    say("train", "--set", "epochs=0")
    assert len(json.loads(say("runs", "--json")[1])) == 1


@pytest.mark.parametrize("command", ["models", "settings", "presets"])
def test_what_can_be_chosen_is_listed(capsys, command):
    assert main([command, "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) >= 2


def test_the_doctor_finds_nothing_wrong_here(say):
    code, out, _ = say("doctor")
    assert code == 0
    assert "device cpu" in out


def test_the_doctor_names_a_gpu_that_is_not_used_with_the_reason(say, monkeypatch):
    gpus = [
        Refused(id="cuda:0", name="H100", reason="driver 535 is too old", trouble="unsupported"),
        Refused(id="cuda", name="AMD GPU", reason="not built for ROCm", trouble="left out"),
    ]
    found = Inventory(devices=devices.cpus(), refused=gpus)
    for name in ("probed", "current"):  # whether or not an executor is running
        monkeypatch.setattr(devices, name, lambda *_: found)
    code, out, _ = say("doctor", "--json")
    checks = {check["what"]: check for check in json.loads(out)}
    assert code == 1
    assert checks["device cuda:0"]["remedy"] == "Not used: driver 535 is too old."
    assert (checks["device cuda:0"]["fine"], checks["device cuda"]["fine"]) == (False, True)


def test_the_doctor_says_that_the_index_cannot_be_kept(say, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("CIFAR_INDEX", str(tmp_path / "file"))
    code, out, _ = say("doctor", "--json")
    (found,) = (check for check in json.loads(out) if check["what"] == "index")
    assert (code, found["fine"]) == (1, False)
    assert "CIFAR_INDEX" in found["remedy"]


def test_the_doctor_says_how_to_mend_a_store_that_cannot_be_written(capsys, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["doctor", "--store", str(blocked / "store")]) == 1
    assert "CIFAR_STORE" in capsys.readouterr().out


def test_the_log_says_who_asked_for_what(page_store, capsys):
    run = make_run(page_store, "A run", "stopped")
    page_store.run(run.number).rename("Another name")
    assert main(["log", str(run.number), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["what"] for row in rows] == ["renamed Another name", "made"]
    assert {row["who"] for row in rows} == {page_store.by.name}
