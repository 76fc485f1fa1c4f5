"""The Train page with several values: a search for the best, and each at its found rate."""

import pytest
from pages import make_run, open_page
from test_app_rate_search import make_search
from test_app_sweep import choose_how, plain, prefix

from app.screens.train.many.varied_settings import SETTINGS, first_values
from cifar_core.config.presets import PRESETS
from cifar_core.runs.sweeps import sweeps
from cifar_core.settings import rule_of
from cifar_core.settings.parameter_grid import values_of

SMOKE = PRESETS["smoke"].config.to_dict()


@pytest.fixture
def store(page_store):
    return page_store


def open_form(**query):
    page = open_page("train", preset="smoke", **query)
    assert not page.exception
    return page


def open_search():
    page = open_form()
    choose_how(page, "search")
    assert not page.exception
    return page


def open_found(*optimizers):
    page = open_form()
    choose_how(page, "grid")
    page.multiselect(key=f"{prefix(page)}.vary").set_value(["optimizer", "seed"]).run()
    page.multiselect(key=f"{prefix(page)}.vary.optimizer").set_value([*optimizers]).run()
    page.segmented_control(key=f"{prefix(page)}.vary.rates").set_value("found").run()
    assert not page.exception
    return page


def test_a_search_is_chosen_counted_and_started_from_the_form(store):
    page = open_search()
    where = f"{prefix(page)}.search"
    page.multiselect(key=where).set_value(["learning_rate", "optimizer"]).run()
    page.multiselect(key=f"{where}.optimizer").set_value(["sgd", "adam"]).run()
    page.text_input(key=f"{where}.learning_rate").set_value("0.001..0.1").run()
    page.number_input(key=f"{where}.budget").set_value(6).run()
    assert "Search over learning rate, optimizer: 6 runs" in plain(page)
    assert page.button(key="start").label == "Start a search of 6 runs"
    page.button(key="start").click().run()
    assert not page.exception
    (made,) = sweeps.listed(store)
    assert made.search["space"] == {
        "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
        "optimizer": {"choices": ["sgd", "adam"]},
    }
    assert (made.search["budget"], made.search["pruner"], made.is_active) == (6, "median", True)
    assert "Search 1: Best learning rate, optimizer" in page.header[0].value


def test_a_second_click_begins_no_second_search(store):
    page = open_search()
    page.session_state["started"] = "token"
    page.button(key="start").click().run()
    page = open_search()
    page.session_state["started"] = "token"
    page.button(key="start").click().run()
    assert len(sweeps.listed(store)) == 1


def test_the_time_of_a_search_is_at_most_that_of_all_its_runs(store):
    page = open_search()
    assert "is not known yet: **Measure the time** below" in plain(page)
    make_run(store, **{**SMOKE, "data": "synthetic"})
    images = 10_000 * SMOKE["train_fraction"]
    seconds = 20 * SMOKE["epochs"] * images / 900
    page.run()
    (line,) = [m.value for m in page.markdown if "one after another" in m.value]
    assert line.startswith(":material/timer: at most **")
    assert f"{seconds // 60:.0f}" in line


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("learning_rate", "0.1", "learning_rate has only one value"),
        ("learning_rate", "fast", "learning_rate is 'fast'"),
        ("batch_size", "16..4000", "there are only"),
    ],
)
def test_a_range_that_cannot_be_searched_is_said_and_blocks_the_start(store, name, text, said):
    page = open_search()
    page.multiselect(key=f"{prefix(page)}.search").set_value([name]).run()
    page.text_input(key=f"{prefix(page)}.search.{name}").set_value(text).run()
    assert not page.exception
    assert said in plain(page)
    assert page.button(key="start").disabled


def test_every_setting_that_can_be_searched_begins_with_a_range_that_can(store):
    page = open_search()
    options = page.multiselect(key=f"{prefix(page)}.search").options
    numbers = [
        "weight_decay",
        "label_smoothing",
        "epochs",
        "batch_size",
        "momentum",
        "val_fraction",
    ]
    assert len(options) > 20
    page.multiselect(key=f"{prefix(page)}.search").set_value(numbers).run()
    assert not page.exception
    assert not page.button(key="start").disabled, plain(page)


def test_a_setting_that_varies_begins_with_values_around_the_forms(store):
    page = open_form()
    choose_how(page, "grid")
    where = f"{prefix(page)}.vary"
    page.multiselect(key=where).set_value(["learning_rate", "model"]).run()
    assert page.text_input(key=f"{where}.learning_rate").value == "0.08, 0.24, 0.72"
    assert page.multiselect(key=f"{where}.model").value == [SMOKE["model"]]
    assert page.button(key="start").label == "Start 3 runs"
    assert not page.button(key="start").disabled
    page.text_input(key=f"{where}.learning_rate").set_value("").run()
    assert "Type the values of 'Learning rate', such as 0.01..1 x3." in plain(page)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_first_values_of_every_setting_are_allowed(preset):
    values = PRESETS[preset].config.to_dict()
    for name, setting in SETTINGS.items():
        first = first_values(name, values) if rule_of(setting).type != "switch" else "yes, no"
        typed = first if isinstance(first, str) else ", ".join(first)
        assert values_of(setting, typed), name
        if rule_of(setting).scope != "sample" and rule_of(setting).type != "switch":
            assert values[name] in values_of(setting, typed), name


def test_the_address_can_name_a_search(store):
    page = open_form(over="learning_rate=0.001..0.1")
    assert "Search over learning rate: 20 runs" in plain(page)


def test_optimizers_wait_for_their_rates_and_the_missing_searches_are_one_click(store):
    make_search(store, 0.05, **{**SMOKE, "data": "synthetic", "optimizer": "sgd"})
    page = open_found("sgd", "adam")
    assert "SGD: **0.05**" in plain(page)
    assert "Adam: no rate search with these settings has found a rate" in plain(page)
    assert "1 of 2 rates must be found first." in plain(page)
    assert page.button(key="start").disabled
    assert page.button(key="find_rates").label == "Start 1 rate search"
    page.button(key="find_rates").click().run()
    assert not page.exception
    (waiting,) = store.queue()
    assert (waiting.kind, waiting.optimizer) == ("rate_search", "adam")
    assert f"Adam: its rate search, run {waiting.number}, has not finished yet." in plain(page)


def test_a_sweep_at_found_rates_trains_each_optimizer_at_its_own(store):
    for optimizer, rate in (("sgd", 0.05), ("adam", 0.002)):
        make_search(store, rate, **{**SMOKE, "data": "synthetic", "optimizer": optimizer})
    page = open_found("sgd", "adam")
    assert "2 optimizers x 3 seeds = 6 runs" in plain(page)
    assert "For example: Speed network for a CPU learns" in plain(page)
    assert "with SGD at a peak rate of 0.05" in plain(page)
    assert f"{prefix(page)}.learning_rate" not in {box.key for box in page.number_input}
    page.button(key="start").click().run()
    assert not page.exception
    (made,) = sweeps.listed(store)
    assert [cell.changes["learning_rate"] for cell in made.cells] == [0.05, 0.002]
