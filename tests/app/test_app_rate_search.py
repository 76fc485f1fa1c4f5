import pytest
from pages import listed, open_page, texts
from test_app_train import open_train

from app.screens.run.watch import rate_charts
from cifar_core.config import TrainConfig
from cifar_core.disk import files
from cifar_core.rate_search.events import Bracket, RacePoint, RangeTestPoint, Suggestion, row
from cifar_core.rate_search.record import record
from cifar_core.runs import RATE_SEARCH
from cifar_core.runs.record import status


@pytest.fixture
def store(page_store):
    return page_store


def rows(rate=0.05, advice="take"):
    sweep = [RangeTestPoint(rate=10**x, loss=2.3 - 0.2 * max(0, x + 4), train_loss=2.4) for x in
             (-5, -4, -3, -2)]  # fmt: skip
    sweep.append(RangeTestPoint(rate=1.0, loss=None, train_loss=2.0))
    race = [RacePoint(rate=r, step=40, loss=1.9, alive=True) for r in (0.025, 0.05, 0.1)]
    race.append(RacePoint(rate=0.2, step=12, loss=None, alive=False))
    finals = [
        RacePoint(rate=r, step=120, loss=loss, alive=True, losses=[loss, loss + 0.1, loss - 0.1])
        for r, loss in ((0.025, 1.6), (0.05, 1.5), (0.1, 1.7))
    ]
    suggestion = Suggestion(
        advice=advice, rate=rate, low=0.04, high=0.06, plateau_low=0.03, plateau_high=0.07,
        divisor=1.0, usual_rate=0.1, own_rate=0.1, verdict=f"Take {rate:g}: it was clearly better.",
        steps=500, epochs=0.8,
    )  # fmt: skip
    bracket = Bracket(start_loss=2.3, onset=0.01, edge=0.5, rates=[0.025, 0.05, 0.1])
    return [row(event) for event in (*sweep, bracket, *race, *finals, suggestion)]


def make_search(store, rate=0.05, advice="take", **settings):
    """Make a search as if it were over."""
    run = store.create(
        TrainConfig(**{"data": "synthetic", **settings}), name="Search", kind=RATE_SEARCH
    )
    folder = run.path / "attempts" / "1"
    folder.mkdir(parents=True)
    files.write_json(folder / "start.json", {"checkpoint": "", "step": 0})
    written = rows(rate, advice)
    for values in written:
        files.append_line(folder / "metrics.jsonl", values)
    files.write_json(run.path / "summary.json", {"suggestion": written[-1], "step": 500})
    status.write(run.path, status.RunStatus(**status.described("finished"), attempt=1))
    return run


def test_a_search_shows_its_verdict_and_its_two_figures(store):
    make_search(store)
    page = open_page("run", id=1)
    assert not page.exception
    assert "Take 0.05" in texts(page)
    assert len(page.get("plotly_chart")) == 2
    assert {b.key for b in page.button} >= {"use_rate", "repeat", "clone"}
    assert "predict" not in {b.key for b in page.button}


@pytest.mark.parametrize(
    ("phase", "rows_so_far", "words", "has_bars"),
    [("race", 9, "Race: first lap", False), ("cool-down", 13, "Race: cool-down", True)],
)
def test_a_search_under_way_has_one_bar_and_no_epochs(store, phase, rows_so_far, words, has_bars):
    run = make_search(store)
    metrics = run.path / "attempts" / "1" / "metrics.jsonl"
    metrics.write_text("".join(metrics.read_text().splitlines(keepends=True)[:rows_so_far]))
    summary = {"phase": phase, "step": 200, "total_steps": 500}
    files.write_json(run.path / "summary.json", summary)
    status.write(run.path, status.RunStatus(**status.described("running"), attempt=1))
    page = open_page("run", id=1)
    assert not page.exception
    (bar,) = page.get("progress")
    assert bar.proto.text.startswith(words)
    assert ("The bars show" in texts(page)) == has_bars


def test_two_searches_that_agree_are_to_be_trusted_and_two_that_do_not_are_not(store):
    make_search(store, 0.05, seed=0)
    make_search(store, 0.06, seed=1)
    make_search(store, 0.05, seed=0, batch_size=64)
    assert "agree within a factor of 1.2" in texts(open_page("run", id=1))
    make_search(store, 0.002, seed=2)
    assert "spread over 1.5 decades" in texts(open_page("run", id=2))
    assert "suggestions" not in texts(open_page("run", id=3))


def test_a_search_without_an_answer_offers_no_rate(store):
    make_search(store, advice="none")
    page = open_page("run", id=1)
    assert "No suggestion" in "".join(s.value for s in page.subheader)
    assert "use_rate" not in {b.key for b in page.button}


def test_a_rate_that_was_found_is_put_into_the_form_with_the_first_search_seed(store):
    make_search(store, seed=7, batch_size=32)
    make_search(store, seed=8, batch_size=32)
    page = open_train(search=2, rate="0.0432")
    assert not page.exception
    values = {n.label: n.value for n in page.number_input}
    assert values["Learning rate"] == 0.0432
    assert values["Batch size"] == 32
    assert "Rate of rate search" in "".join(
        s.value for s in page.selectbox if s.label == "Start from"
    ) or ("with the rate filled in" in texts(page))


def test_the_form_offers_a_search_and_says_what_it_costs(store):
    page = open_train(preset="smoke")
    assert "find_rate" in {b.key for b in page.button}
    assert "steps, as many as" in texts(page)


def test_a_search_is_marked_in_the_list_of_runs(store):
    make_search(store)
    (line,) = listed(open_page())
    assert "Rate search" in line["state"]
    assert line["epoch"] == "rate 0.05"


def test_a_candidate_that_dropped_out_is_a_cross_above_the_others():
    found = record(rows())
    figure = rate_charts.race_figure(found, own=0.1, usual=0.1)
    (cross,) = [trace for trace in figure.data if trace.name == "Dropped out"]
    assert list(cross.x) == [0.2]
    assert cross.y[0] > 1.9


def test_a_search_that_has_only_begun_can_be_drawn():
    for count in range(len(rows())):
        found = record(rows()[:count])
        rate_charts.range_test_figure(found)
        rate_charts.race_figure(found, own=0.1, usual=0.1)


def test_the_bars_say_how_sure_a_difference_is_not_how_hard_the_images_are():
    wide = record(rows())
    assert wide.candidates[0].error == pytest.approx(0, abs=1e-6)  # the same difference on each
