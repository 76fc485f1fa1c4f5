import json
from dataclasses import replace

import numpy as np
import pytest
from pages import make_run

from cifar_core.__main__ import main
from cifar_core.disk import files
from cifar_core.runs.results.comparison import (
    THESE_TWO,
    against,
    beyond,
    compare_pairs,
    headline,
    obstacle,
    obstacles,
    over_seeds,
    pair_sentence,
)
from cifar_core.runs.results.predictions import Predictions, keep
from cifar_core.runs.results.side_by_side import UNUSED, best_of, by_setting, facts, setting_rows
from cifar_core.runs.results.test_looks import looks
from cifar_core.statistics.same_images import mcnemar

IMAGES = 400


def answers(run, right, part="val"):
    """Return answers to images of two classes, of which so many, the first ones, are right."""
    labels = np.arange(IMAGES) % 2
    said = np.where(np.arange(IMAGES) < right, labels, 1 - labels)
    return Predictions(
        run=run, checkpoint=run.checkpoint().name, part=part, classes=("cat", "dog"),
        indexes=np.arange(IMAGES), labels=labels, logits=np.eye(2, dtype=np.float32)[said],
    )  # fmt: skip


@pytest.fixture
def store(page_store):
    return page_store


def test_a_clear_difference_is_told_from_the_better_ones_side(store):
    a, b = make_run(store, "A"), make_run(store, "B", learning_rate=0.01)
    pairs = compare_pairs([answers(a, 200), answers(b, 280)])
    words = pair_sentence(against(a, pairs)[0])
    assert words.startswith("#2 is better than #1 on these images, by 20.00 points")
    assert pairs[0].corrected == mcnemar(80, 0)


def test_a_difference_that_chance_makes_is_not_called_one(store):
    a, b = make_run(store, "A"), make_run(store, "B", learning_rate=0.01)
    words = headline(a, against(a, compare_pairs([answers(a, 202), answers(b, 200)])))
    assert words.startswith("These images show no clear difference between #1 and #2: +0.50 points")


def test_three_runs_are_corrected_for_all_three_pairs(store):
    a, b, c = (make_run(store, name) for name in "ABC")
    pairs = compare_pairs([answers(a, 206), answers(b, 200), answers(c, 300)])
    assert mcnemar(6, 0) < 0.05 / 2  # alone it would count
    assert [round(pair.corrected, 6) for pair in pairs] == [
        round(mcnemar(6, 0), 6),  # the last of Holm's three steps
        pytest.approx(0, abs=1e-6),
        pytest.approx(0, abs=1e-6),
    ]
    assert {pair.pairs for pair in pairs} == {3}
    assert headline(c, against(c, pairs)) == "On these images #3 is better than #1 and #2."


def test_two_close_pairs_among_three_are_made_less_sure(store):
    a, b, c = (make_run(store, name) for name in "ABC")
    pairs = compare_pairs([answers(a, 200), answers(b, 206), answers(c, 212)])
    assert pairs[0].corrected == pairs[2].corrected == pytest.approx(2 * mcnemar(6, 0))
    assert pairs[1].corrected == pytest.approx(3 * mcnemar(12, 0))


def test_other_validation_images_are_refused_with_the_reason(store):
    a, b = make_run(store, "A"), make_run(store, "B", split_seed=3)
    assert "10 % with split seed 0; 10 % with split seed 3" in obstacle(a, b, "val")
    assert obstacle(a, b, "test") == ""
    assert compare_pairs([answers(a, 200), answers(b, 280)]) == []


def test_runs_on_other_data_are_refused_with_both_names(store):
    a, b = make_run(store, "A"), make_run(store, "B")
    data = {"data": {"title": "Flowers", "source": "flowers"}}
    files.edit(b.path / "environment.json", dict, lambda _: data)
    (why,) = obstacles([a, b], "test")
    assert "different images (Synthetic shapes and Flowers)" in why


def test_predictions_for_other_images_are_not_compared(store):
    a, b = make_run(store, "A"), make_run(store, "B")
    moved = replace(answers(b, 280), indexes=np.arange(IMAGES) + 1)
    assert compare_pairs([answers(a, 200), moved]) == []


def test_runs_that_differ_in_the_seed_say_what_the_seed_alone_makes(store):
    runs = [make_run(store, "A", seed=s, accuracies=(0.4 + s / 100,)) for s in (0, 1, 2)]
    assert len(by_setting(runs)) == 1
    (words,) = over_seeds(runs)
    assert words == (
        "#1, #2 and #3 differ only in the seed: 41.00 ± 1.00 % validation accuracy over 3 seeds."
    )


def test_seeds_of_two_settings_are_compared_seed_by_seed(store):
    runs = [
        make_run(store, "A", seed=s, learning_rate=rate, accuracies=(0.4 + s / 100 + more,))
        for rate, more in ((0.1, 0.0), (0.01, 0.05))
        for s in (0, 1, 2)
    ]
    words = over_seeds(runs)
    assert len(words) == 3
    assert words[2].startswith("Over seeds: the setting of #4, #5 and #6 is better than the")


def test_one_common_seed_leaves_the_question_open(store):
    runs = [make_run(store, "A", seed=s) for s in (0, 1)]
    runs.append(make_run(store, "B", learning_rate=0.01))
    words = over_seeds(runs)
    assert len(words) == 2
    assert words[1] == THESE_TWO


def test_without_a_comparison_nothing_is_said_about_these_networks_only(store):
    a, b = make_run(store, "A", seed=1), make_run(store, "B", seed=2)
    other = make_run(store, "C", learning_rate=0.01)
    pairs = compare_pairs([answers(a, 200), answers(other, 280)])
    assert beyond([a, other], pairs) == [THESE_TWO]
    assert beyond([a, other], []) == []
    (words,) = beyond([a, b, other], [])
    assert "differ only in the seed" in words


def test_settings_trained_once_have_nothing_to_say_over_seeds(store):
    runs = [make_run(store, "A"), make_run(store, "B", learning_rate=0.01)]
    assert over_seeds(runs) == []


def test_settings_that_mean_nothing_in_a_run_are_a_dash_and_rates_are_factors(store):
    runs = [make_run(store, "A", optimizer="sgd", learning_rate=0.1),
            make_run(store, "B", optimizer="adam", learning_rate=0.001)]  # fmt: skip
    rows = {row.name: row for row in setting_rows(runs) if row.differs}
    assert rows["learning_rate"].words(1, 0) == "0.001 (\u00d70.01)"
    assert rows["learning_rate"].words(0, 0) == "0.1"
    assert rows["optimizer"].words(1, 0) == "Adam"
    assert rows["momentum"].words(1, 0) == UNUSED
    assert "epochs" not in rows


def test_the_gap_is_training_minus_validation_accuracy(store):
    run = make_run(store, "A")
    more = {"last_train_accuracy": 0.9, "last_val_accuracy": 0.7}
    files.edit(run.path / "summary.json", dict, lambda _: more)
    assert facts(run).gap == pytest.approx(0.2)
    assert facts(make_run(store, "B")).gap is None


def test_the_best_of_equal_runs_is_the_earlier(store):
    equal = [facts(make_run(store, "A", accuracies=(0.5,))) for _ in range(2)]
    assert best_of(equal[::-1]).run.number == 1


def test_the_terminal_prints_verdict_results_and_settings(store, capsys):
    a, b = make_run(store, "A"), make_run(store, "B", learning_rate=0.01)
    keep(answers(a, 200))
    keep(answers(b, 280))
    assert main(["compare", "1", "2", "--store", str(store.root)]) == 0
    text = capsys.readouterr().out
    assert "#2 is better than #1 on these images" in text
    assert "needs more seeds" in text
    assert "learning_rate  0.1  0.01 (\u00d70.1)" in text


def test_comparing_on_test_images_counts_as_a_look(store, capsys):
    runs = [make_run(store, "A"), make_run(store, "B")]
    before = [len(looks(run)) for run in runs]
    for run in runs:
        keep(answers(run, 200, "test"))
    assert main(["compare", "1", "2", "--part", "test", "--store", str(store.root)]) == 0
    assert [len(looks(run)) for run in runs] == [n + 1 for n in before]
    assert json.loads((runs[0].path / "looks.json").read_text())["looks"]


def test_one_run_alone_is_refused(store, capsys):
    make_run(store, "A")
    assert main(["compare", "1", "1", "--store", str(store.root)]) == 2
    assert "Name 2 to 9 different runs" in capsys.readouterr().err
