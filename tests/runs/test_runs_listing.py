"""Listing, grouping, tagging and saved views, on runs that exist only as files."""

import csv
import io
import json

import pytest
from pages import make_run
from run_helpers import store_without_executor

from cifar_core.disk import files
from cifar_core.disk.tables import as_csv, as_json
from cifar_core.errors import QueryError, RunError
from cifar_core.runs.listing import saved_listings
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.table import USUAL, Listing, group_table, table
from cifar_core.runs.record import marks


@pytest.fixture
def store(tmp_path):
    with store_without_executor(tmp_path / "store") as store:
        yield store


def numbers(rows):
    return [row.number for row in rows]


def three(store):
    make_run(store, "Alpha", accuracies=(0.4, 0.6), seed=1)
    make_run(store, "beta", accuracies=(0.5, 0.5), seed=2)
    make_run(store, "Gamma", "stopped", accuracies=(), optimizer="adam", learning_rate=0.001)
    return store.runs()


def test_a_listing_shows_what_passes_newest_first(store):
    rows = three(store)
    assert numbers(Listing().rows(rows)) == [3, 2, 1]
    assert numbers(Listing(query="acc>=50").rows(rows)) == [2, 1]
    assert numbers(Listing(query="batch_size:128 -opt:adam").rows(rows)) == [2, 1]
    with pytest.raises(QueryError):
        Listing(query="ach:3").rows(rows)


def test_runs_without_a_value_come_last_either_way(store):
    rows = three(store)
    assert numbers(Listing(sort="best").rows(rows)) == [2, 1, 3]
    assert numbers(Listing(sort="-best").rows(rows)) == [1, 2, 3]
    assert numbers(Listing(sort="name").rows(rows)) == [1, 2, 3]


def test_every_column_can_be_sorted_by(store):
    rows = three(store)
    for key in COLUMNS:
        assert sorted(numbers(Listing(sort=f"-{key}").rows(rows))) == [1, 2, 3]


def test_runs_that_differ_only_in_their_seed_are_one_group(store):
    rows = three(store)
    adam, sgd = Listing(group=True).groups(rows)
    assert (numbers(adam.rows), numbers(sgd.rows), sgd.seeds) == ([3], [2, 1], [1, 2])
    found = sgd.spread_of(COLUMNS["best"])
    assert (found.mean, found.count) == (pytest.approx(0.55), 2)
    assert found.deviation == pytest.approx(0.1 / 2**0.5)
    assert adam.spread_of(COLUMNS["best"]) is None
    assert (adam.title, sgd.title) == (
        "Adam, learning rate 0.001",
        "SGD, learning rate 0.1",
    )


def test_groups_are_sorted_by_their_means_not_by_their_luckiest_run(store):
    for seed, best in enumerate((0.9, 0.1)):
        make_run(store, accuracies=(best,), seed=seed)
    make_run(store, accuracies=(0.6,), optimizer="adam")
    groups = Listing(group=True, sort="-best").groups(store.runs())
    assert [numbers(group.rows) for group in groups] == [[3], [1, 2]]


def test_the_table_is_exported_as_it_is_shown(store):
    rows = three(store)
    marks.tag(store.run(1), ["lab", "old"])
    lines = table(Listing(query="name:alpha").rows(store.runs()), ("number", "best", "tag", "test"))
    (line,) = csv.DictReader(io.StringIO(as_csv(lines)))
    assert line == {"number": "1", "best": "0.6", "tag": "lab old", "test": "0.45"}
    assert json.loads(as_json(lines))[0]["tag"] == ["lab", "old"]
    (first, second) = group_table(Listing(group=True, sort="best").groups(rows))
    assert (first["runs"], first["seeds"], first["numbers"]) == (2, [1, 2], [2, 1])
    assert (first["best_mean"], first["best_count"]) == (pytest.approx(0.55), 2)
    assert second["best_mean"] is None


def test_a_name_that_a_spreadsheet_would_execute_is_exported_as_text(store):
    make_run(store, "=HYPERLINK(1)", accuracies=())
    assert as_csv(table(store.runs(), ["name"])) == "name\n'=HYPERLINK(1)\n"


def test_tags_are_small_sorted_and_found(store):
    run = make_run(store, accuracies=())
    marks.tag(run, ["Lab", "week-3"])
    marks.tag(run, ["lab", "a"])
    marks.untag(run, ["week-3", "never"])
    assert store.runs()[0].tags == ["a", "lab"]
    marks.retag(run, ["new"])
    assert store.runs()[0].tags == ["new"]


@pytest.mark.parametrize("word", ["", "two words", "x" * 31, "a,b", "<b>", "-x"])
def test_what_is_no_tag_is_refused_and_changes_nothing(store, word):
    run = make_run(store, accuracies=())
    with pytest.raises(RunError, match="is not a tag"):
        marks.tag(run, ["fine", word])
    assert store.runs()[0].tags == []


def test_a_run_has_at_most_so_many_tags(store):
    run = make_run(store, accuracies=())
    with pytest.raises(RunError, match="would have 21 tags, but 20 is the most"):
        marks.tag(run, [f"t{number}" for number in range(21)])


def test_a_note_and_a_star_are_kept_beside_the_name(store):
    run = make_run(store, "Alpha", accuracies=())
    marks.write_note(run, "  Rate **too** high.\n")
    marks.star(run, True)
    run.rename("Beta")
    (row,) = store.runs()
    assert (row.name, row.note, row.starred) == ("Beta", "Rate **too** high.", True)
    with pytest.raises(RunError, match="5,000 characters, but 4,000 is the most"):
        marks.write_note(run, "x" * 5000)


def test_a_view_is_there_for_everybody_until_it_is_deleted(store):
    listing = Listing(query="acc>85", columns=("name", "best"), sort="-best", group=True)
    view = saved_listings.save(store, "  Lab   runs ", listing)
    assert (view.id, view.name) == ("lab-runs", "Lab runs")
    assert saved_listings.listed(store) == [view]
    assert saved_listings.find(store, "Lab runs") == saved_listings.find(store, "lab-runs") == view
    saved_listings.save(store, "Lab runs", Listing())
    assert [v.listing for v in saved_listings.listed(store)] == [Listing()]
    saved_listings.delete(store, view)
    assert saved_listings.listed(store) == []
    with pytest.raises(RunError, match=r"There is no saved listing 'lab'\. There are none yet"):
        saved_listings.find(store, "lab")


def test_names_without_latin_letters_do_not_overwrite_each_other(store):
    first, second = (saved_listings.save(store, name, Listing()) for name in ("实验", "比较"))
    assert first.id != second.id
    assert len(saved_listings.listed(store)) == 2


@pytest.mark.parametrize(
    "values",
    [
        {"name": "x", "query": 3},
        {"name": "x", "columns": 5},
        {"name": "x", "columns": ["number", "gone"], "sort": "gone", "group": "yes", "new": 1},
        {"name": ["x"], "columns": [["number"]]},
        {},
    ],
)
def test_a_damaged_view_is_passed_over_or_mended(store, values):
    (store.root / "views").mkdir()
    files.write_json(store.root / "views" / "x.json", values)
    for view in saved_listings.listed(store):
        assert set(view.listing.columns) <= set(COLUMNS)
        assert view.listing.sort == ""
        assert view.listing.rows([]) == []


def test_the_usual_columns_exist():
    assert set(USUAL) <= set(COLUMNS)


def test_a_damaged_listing_is_never_written_over(store):
    first = saved_listings.save(store, "Lab runs", Listing())
    path = saved_listings.path_of(store, first.id)
    path.write_text(path.read_text()[:30])
    left = path.read_text()
    assert saved_listings.save(store, "Lab runs", Listing()).id == "lab-runs-2"
    assert saved_listings.save(store, "Lab runs", Listing(query="x")).id == "lab-runs-2"
    assert path.read_text() == left
