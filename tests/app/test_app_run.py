import json
import os
import time
from datetime import datetime, timedelta
from datetime import time as day_time
from zoneinfo import ZoneInfo

import pytest
from pages import click_cell, make_run, open_page, open_part, save_weights, texts

from app import theme
from app.screens.run import stop_time
from app.shared.live_chart import unpack
from cifar_core.disk import files
from cifar_core.runs.record import checkpoints, control, marks


@pytest.fixture
def store(page_store):
    return page_store


def chart(page):
    (component,) = charts(page)
    return unpack(component.proto.bytes)


def charts(page):
    return [c for c in page.get("bidi_component") if c.proto.component_name.endswith("live_chart")]


def values(page):
    return {metric.label: (metric.value, metric.delta) for metric in page.metric}


def test_a_finished_run_shows_its_result_with_an_interval(store):
    make_run(store, "Done", accuracies=(0.4, 0.6, 0.5))
    page = open_page("run", id=1)
    assert not page.exception
    assert "Done" in page.header[0].value
    found = {k: tuple(part.replace("\xa0", " ") for part in v) for k, v in values(page).items()}
    assert found["Best validation accuracy"] == ("60.0 %", "epoch 2")
    assert found["Test accuracy"] == ("45.0 %", "42.8 to 47.2 %")
    assert "Ran to completion" in texts(page)
    assert {b.key for b in page.button} >= {"predict", "clone"}


def uneven(run):
    """Give a run two classes of very different size, and what was measured on them."""
    data = {"classes": ["cat", "dog"], "train_counts": [900, 20], "val_counts": [97, 3],
            "test_counts": [194, 6]}  # fmt: skip
    files.edit(run.path / "environment.json", dict, lambda old: {"data": old["data"] | data})
    path = run.path / "attempts" / "1" / "metrics.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    more = {"val_balanced_accuracy": 0.5, "val_macro_f1": 0.492}
    rows = [row | (more if row["kind"] == "epoch" else {}) for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_uneven_classes_are_named_beside_the_accuracy_and_even_ones_are_not(store):
    uneven(make_run(store, "Uneven", accuracies=(0.96, 0.97)))
    make_run(store, "Even")
    page = open_page("run", id=1)
    said = texts(page)
    assert "right for 97.0\xa0% of the validation images and 97.0\xa0% of the test images" in said
    assert values(page)["Balanced accuracy"] == ("50.0\xa0%", "same epoch")
    assert "Macro F1: 49.2\xa0% in validation" in said
    assert "uneven" not in texts(open_page("run", id=2))


def test_a_result_from_several_views_says_so_beside_the_one_without(store):
    run = make_run(store, test_views="mirror")
    more = {"test_views": "mirror", "test_plain_accuracy": 0.44}
    files.edit(run.path / "summary.json", dict, lambda _: more)
    value, note = values(open_page("run", id=1))["Test accuracy"]
    assert value.replace("\xa0", " ") == "45.0 %"
    assert note.replace("\xa0", " ") == "42.8 to 47.2 %, with mirrored views; 44.0 % without"


def test_the_chart_gets_every_row_that_was_written(store):
    make_run(store, accuracies=(0.4, 0.6))
    figure = chart(open_page("run", id=1))
    assert figure.header["step"] == 100
    training = figure.arrays[2 * 1]
    assert training.tolist() == [25, 50, 75, 100]


def test_a_run_is_found_by_its_id_too(store):
    make_run(store, "By its id")
    assert "By its id" in open_page("run", id="1-by-its-id").header[0].value


@pytest.mark.parametrize("query", [{}, {"id": "99"}, {"id": "../../etc"}, {"id": "<b>"}])
def test_an_address_without_a_run_says_so_and_leads_back(store, query):
    make_run(store)
    page = open_page("run", **query)
    assert not page.exception
    assert page.subheader[0].value == "No such run"
    assert not page.metric


def test_the_address_says_how_the_curves_are_shown(store):
    make_run(store)
    page = open_page("run", id=1, axis="Epoch", smoothing="Off", log="true", goal="true")
    header = chart(page).header
    assert header["layout"]["xaxis"]["title"]["text"] == "Epoch"
    assert header["layout"]["yaxis"]["type"] == "log"
    assert header["layout"]["shapes"]
    assert len(chart(page).arrays[0]) == 0  # no points behind a line that is not smoothed


def test_a_run_before_its_first_row_says_what_will_come(store):
    make_run(store, "Waits", "queued", accuracies=())
    page = open_page("run", id=1)
    assert not page.exception
    assert "once a device is free" in texts(page)
    assert not charts(page)


def test_features_are_counted_until_the_head_is_trained(store):
    run = make_run(store, state="running", accuracies=())
    features = {"done": 3000, "total": 9000, "kept": 1000, "seconds": 20.0}
    summary = {"total_steps": 100, "step": 0, "epochs_done": 0, "features": features}
    files.write_json(run.path / "summary.json", summary)
    page = open_page("run", id=run.number)
    said = page.get("progress")[0].proto.text.replace(theme.NARROW, " ")
    assert said == "Features of 3,000 of 9,000 images, 1 min 0 s until head training starts"


def test_what_is_computed_once_with_teachers_is_counted_until_training(store):
    run = make_run(store, state="running", accuracies=())
    files.edit(run.path / "config.json", dict, lambda _: {"distill_share": 0.9})
    features = {"done": 3000, "total": 9000, "kept": 1000, "seconds": 20.0}
    summary = {"total_steps": 100, "step": 0, "epochs_done": 0, "features": features}
    files.write_json(run.path / "summary.json", summary)
    page = open_page("run", id=run.number)
    said = page.get("progress")[0].proto.text.replace(theme.NARROW, " ")
    assert said == "3,000 of 9,000 images prepared, 1 min 0 s until training starts"


def test_a_failed_run_says_why_and_what_to_do(store):
    make_run(store, "Too fast", "failed", reason="diverged", accuracies=(0.1,))
    page = open_page("run", id=1)
    assert "The loss stopped being a number" in texts(page)
    assert "a tenth of the learning rate" in texts(page)
    assert {"resume", "clone"} <= {button.key for button in page.button}


def test_a_silent_run_gets_a_badge_but_is_not_called_dead(store):
    run = make_run(store, "Silent", "running")
    beat = run.path / "attempts" / "1" / "lock"
    beat.touch()
    os.utime(beat, (time.time() - 90,) * 2)
    page = open_page("run", id=1)
    assert "No news for 1" in texts(page)
    assert store.run(1).status.state == "running"


def test_stop_asks_for_the_end_and_kill_asks_first(store):
    run = make_run(store, "Busy", "running")
    page = open_page("run", id=1)
    page.button(key="after this epoch").click().run()
    assert '"epoch"' in (run.path / "control.json").read_text()
    page.button(key="kill").click().run()
    assert "without saving" in texts(page)
    assert '"kill"' not in (run.path / "control.json").read_text()
    page.button(key="kill").click()
    page.button(key="kill_now").click().run()
    assert '"kill"' in (run.path / "control.json").read_text()


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_time_to_stop_is_set_shown_and_taken_back(store, state):
    run = make_run(store, "Busy", state)
    page = open_page("run", id=1)
    soon = datetime.now() + timedelta(hours=2)
    page.time_input(key="stop_time").set_value(soon.time().replace(second=0, microsecond=0))
    page.button(key="stop_at").click().run()
    until = control.read(run.path).until
    assert 0 < until - time.time() <= 2 * 3600
    assert control.read(run.path).request == ""
    page = open_page("run", id=1)
    assert f"at {datetime.fromtimestamp(until):%H:%M}, with a checkpoint." in texts(page)
    page.button(key="stop_at_no_time").click().run()
    assert control.read(run.path).until == 0
    assert not page.exception
    assert [action.did for action in run.history()] == [
        "took back the time to stop", "planned to stop", "made",
    ]  # fmt: skip


def test_the_next_time_of_day_is_today_or_tomorrow_also_when_clocks_change():
    berlin = ZoneInfo("Europe/Berlin")
    evening = datetime(2026, 3, 28, 22, 0, tzinfo=berlin)
    at_seven = stop_time.next_time(day_time(7, 0), evening)
    assert at_seven.timestamp() - evening.timestamp() == 8 * 3600  # one hour is left out
    assert stop_time.next_time(day_time(23, 0), evening).date() == evening.date()


def test_a_stopped_run_can_be_resumed_and_a_draft_started(store):
    run = make_run(store, "Stopped", "stopped")
    open_page("run", id=1).button(key="resume").click().run()
    assert run.status.state == "queued"
    draft = make_run(store, "Draft", "draft", accuracies=())
    open_page("run", id=2).button(key="start").click().run()
    assert draft.status.state == "queued"


def test_clone_leads_to_the_form(store):
    make_run(store, "Old", learning_rate=0.03)
    page = open_page("run", id=1)
    page.button(key="clone").click().run()
    assert page.header[0].value == "Train"
    assert page.session_state["draft"]["learning_rate"] == 0.03


def test_a_name_is_changed_and_an_impossible_one_refused(store):
    make_run(store, "Old")
    page = open_page("run", id=1)
    page.text_input(key="name 1-old").set_value("New *name*")
    submit = next(b for b in page.button if b.label == "Save" and b.key != "save_marks")
    submit.click().run()
    assert store.run(1).name == "New *name*"
    assert page.header[0].value == r"#1 New \*name\*"


PARTS = {
    ("settings", "environment"): "Drawn by the program",
    ("settings", "reproduce"): "again with the same seed",
    ("files", "checkpoints"): "100-a1",
    ("files", "attempts"): "**Attempt 1** on cpu",
    ("files", "history"): "Created by",
}


def shown(page):
    assert not page.exception
    return "\n".join(str(t.value) for t in (*page.table, *page.dataframe)) + texts(page)


@pytest.mark.parametrize(("tab", "part"), PARTS)
def test_each_part_of_a_tab_is_drawn_when_it_is_opened(store, tab, part):
    make_run(store, learning_rate=0.03)
    assert PARTS[tab, part] not in shown(open_page("run", id=1, tab=tab))
    assert PARTS[tab, part] in shown(open_part(1, tab, part))


def test_the_settings_are_a_tab_of_their_own(store):
    make_run(store, learning_rate=0.03)
    assert "0.03" not in shown(open_page("run", id=1))
    assert "0.03" in shown(open_page("run", id=1, tab="settings"))


SAID = {
    "Data": "Synthetic shapes",
    "Early stopping patience": "off",
    "Images at once": "the whole batch",
    "CPU threads": "all cores but one",
    "Device": "automatic",
}


def test_the_settings_say_in_words_what_a_zero_means(store):
    make_run(store, learning_rate=0.03, data="synthetic:400")
    page = open_page("run", id=1, tab="settings")
    lines = shown(page).splitlines()
    for label, words in SAID.items():
        assert any(label in line and line.endswith(words) for line in lines), label


def test_the_environment_names_the_teachers(store):
    run = make_run(store)
    used = [{"run": "5-large", "name": "The *large* one", "epoch": 12.0, "sha256": "ab"}]
    files.edit(run.path / "environment.json", dict, lambda _: {"teachers": used})
    page = open_part(1, "settings", "environment")
    assert not page.exception
    assert "Teachers: #5 The *large* one (epoch 12)" in texts(page).replace("\\", "")
    assert "sha256" not in texts(page)


def test_the_environment_says_on_which_gpu_how_a_step_is_computed_and_why(store):
    run = make_run(store)
    sentence = "Channels last, float32, not compiled: measured 2 times as fast as contiguous."
    plan = {"memory_format": "channels_last", "compiled": False, "sentence": sentence}
    gpu = {"gpu_driver": "580.65", "cudnn": "9.24.0", "peak_reserved_megabytes": 5100}
    files.edit(run.path / "environment.json", dict, lambda _: {"step_plan": plan, "gpu": gpu})
    page = open_part(1, "settings", "environment")
    assert sentence in texts(page).replace("\\", "")
    tables = "\n".join(str(t.value) for t in page.table[-2:])  # below those of the settings
    assert "Memory format" not in tables
    assert all(word in tables for word in ("GPU driver", "580.65", "cuDNN", "5,100"))


def test_a_run_without_anything_has_no_tab_that_fails(store):
    make_run(store, "Empty", "draft", accuracies=())
    for tab, part in [*PARTS, ("watch", "profile")]:
        assert not open_part(1, tab, part).exception


PROFILE = {
    "request": 1, "step": 60, "device": "cpu", "device_name": "A CPU", "threads": 1,
    "batch_size": 128, "steps": 20, "step_ms": 40.0, "step_spread_ms": 1.0,
    "phases": [
        {"name": name, "ms": ms, "spread_ms": 0.1, "device_ms": 0.0}
        for name, ms in [("data", 10.0), ("forward", 8.0), ("backward", 20.0),
                         ("optimizer", 1.0), ("logging", 0.5)]
    ],
    "operators": [{"name": "aten::convolution_backward", "calls": 3, "ms": 12.0, "device_ms": 0}],
}  # fmt: skip


def open_profile(number):
    return open_part(number, "watch", "profile")


def test_a_profile_is_drawn_with_its_sentence_and_a_hint(store):
    run = make_run(store)
    files.write_json(run.path / "attempts" / "1" / "profile.json", PROFILE)
    page = open_profile(run.number)
    assert not page.exception
    assert "50 % of a step of 40 ms is the backward pass; data costs 25 %" in texts(page)
    assert "more than a fifth" in texts(page)
    assert "Mean of 20 steps of 128 images" in texts(page)
    assert len(page.get("plotly_chart")) == 1
    assert "aten::convolution_backward" in str(page.table[-1].value)


def test_a_run_that_was_never_profiled_explains_why_there_is_no_profile(store):
    run = make_run(store)
    page = open_profile(run.number)
    assert "This run has no profile" in texts(page)
    assert "profile" not in {button.key for button in page.button}


def test_the_profile_button_asks_the_trainer_once(store):
    run = make_run(store, "Busy", "running")
    page = open_profile(run.number)
    page.button(key="profile").click().run()
    assert files.read_json(run.path / "control.json")["profiles"] == 1
    assert page.button(key="profile").disabled
    files.write_json(run.path / "attempts" / "1" / "profile.json", PROFILE)
    page.run()
    assert page.button(key="profile").label == "Profile again"


def test_why_a_profile_failed_is_shown(store):
    run = make_run(store)
    path = run.path / "attempts" / "1" / "profile.json"
    files.write_json(path, {"request": 1, "error": "The profiler failed: no counters."})
    assert "no counters" in texts(open_profile(run.number))


def test_a_run_is_pinned_and_unpinned_under_its_name(store):
    run = make_run(store, accuracies=())
    page = open_page("run", id=1)
    page.button(key="pin").click().run()
    assert run.is_pinned
    assert page.button(key="pin").label == "Unpin"
    page.button(key="pin").click().run()
    assert not run.is_pinned
    assert [(action.did, action.by) for action in run.history()][:2] == [
        ("unpinned", run.by.name),
        ("pinned", run.by.name),
    ]


def open_checkpoints(run):
    return open_part(run.number, "files", "checkpoints")


def test_each_checkpoint_is_pinned_by_the_button_in_its_row(store):
    run = make_run(store)
    save_weights(run, 3, 0.6)
    page = open_checkpoints(run)
    assert list(page.dataframe[0].value["pin"]) == ["Pin", "Pin"]
    page = click_cell(page, "pin", 1)
    assert not page.exception
    assert run.pinned_checkpoints == {"100-a1"}
    assert list(page.dataframe[0].value["pin"]) == ["Pin", ":material/keep: Pinned"]
    assert (run.history()[0].did, run.history()[0].detail) == ("pinned", "100-a1")
    click_cell(page, "pin", 1)
    assert run.pinned_checkpoints == set()


def test_a_checkpoint_that_went_meanwhile_is_not_pinned_and_the_page_says_so(store):
    run = make_run(store)
    save_weights(run, 3, 0.6)
    page = open_checkpoints(run)
    checkpoints.remove(run.path / "checkpoints" / "100-a1")
    page = click_cell(page, "pin", 1)
    assert "has no checkpoint called '100-a1'" in page.toast[0].value
    assert run.pinned_checkpoints == set()


def test_the_button_does_what_it_says_whatever_others_did_meanwhile(store):
    run = make_run(store)
    page = open_checkpoints(run)
    marks.pin_checkpoint(run, "best", True)
    click_cell(page, "pin", 0)
    assert run.pinned_checkpoints == {"100-a1"}


def note(page, run, text):
    page.text_area(key=f"note {run.id}").set_value(text)
    return page.button(key="save_marks").click().run()


@pytest.mark.parametrize(
    ("choice", "kept"), [("yours", "Mine"), ("theirs", "Theirs"), ("both", "Theirs\n\nMine")]
)
def test_a_note_is_never_written_over_one_that_was_not_shown(page_store, choice, kept):
    run = make_run(page_store, "Alpha")
    mine, theirs = open_page("run", id=1), open_page("run", id=1)
    note(theirs, run, "Theirs")
    note(mine, run, "Mine")
    assert run.about.note == "Theirs"
    assert "Someone has changed the note" in texts(mine)
    mine.button(key=f"{choice} note {run.id}").click().run()
    assert not mine.exception
    assert run.about.note == kept
    assert mine.text_area(key=f"note {run.id}").value == kept
    note(mine, run, "Last")
    assert run.about.note == "Last"


def test_an_older_tab_keeps_the_note_and_the_tags_of_others_and_adds_its_own(page_store):
    run = make_run(page_store, "Alpha")
    marks.retag(run, ["lab", "old"])
    mine = open_page("run", id=1)
    marks.retag(run, ["lab", "theirs"])
    marks.write_note(run, "Theirs")
    mine.text_input(key=f"tags {run.id}").set_value("lab old mine")
    mine.button(key="save_marks").click().run()
    assert run.about.tags == ["lab", "mine", "theirs"]
    assert run.about.note == "Theirs"
    assert mine.text_area(key=f"note {run.id}").value == "Theirs"


def test_two_new_names_are_both_shown(page_store):
    run = make_run(page_store, "Alpha")
    mine = open_page("run", id=1)
    run.rename("Theirs")
    mine.text_input(key=f"name {run.id}").set_value("Mine")
    [button] = [b for b in mine.button if b.label == "Save" and b.key != "save_marks"]
    button.click().run()
    assert run.name == "Theirs"
    mine.button(key=f"both name {run.id}").click().run()
    assert run.name == "Theirs / Mine"


def test_the_history_has_the_whole_text(page_store):
    run = make_run(page_store, "Alpha")
    text = "A long note. " * 40
    marks.write_note(run, text)
    assert run.history()[0].detail == text.strip()
