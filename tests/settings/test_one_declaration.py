"""A setting is declared once: what else must be known of it is a flag, not a list elsewhere."""

import ast
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

import pytest

from app.screens.train.many.hyperparameter_search import SEARCHED
from app.screens.train.many.varied_settings import SETTINGS
from cifar_core import data
from cifar_core.config import GROUPS, MACHINE, REPEATS, TrainConfig
from cifar_core.data.augmentation.augment import Augment, is_augmented
from cifar_core.models import MODELS
from cifar_core.runs.listing.seed_groups import in_order
from cifar_core.runs.prepare.step_plans import identity_of
from cifar_core.settings import counted, label_of, names_of, rule_of
from cifar_core.training.setup import steps_of
from cifar_core.training.step.step_plan import by_rule
from cifar_core.weights.catalogue import WEIGHTS

ROOT = Path(__file__).parent.parent.parent
NAMES = {f.name for f in fields(TrainConfig)}
OTHER_THINGS = {  # collections that hold names of settings by chance, or mean something else
    "app/screens/runs/table.py CELLS": "columns of the list of runs",
    "cifar_core/report/document.py record": "columns of a file that other programs read",
    "cifar_core/runs/engine/worker/profiler.py taker_of": "where a profile was taken",
    "cifar_core/runs/prepare/kept_answers.py identity": "what kept answers were computed with",
    "cifar_core/runs/prepare/kept_features.py entries": "what kept features were computed with",
    "cifar_core/runs/results/verify.py prepared": "what a verification was computed with",
    "cifar_core/terminal/listing.py usual_line": "columns of the list of runs",
}


def collections(tree):
    """Yield (statement at the top, strings) of every literal collection but an entry's `uses`."""
    for top in tree.body:
        skipped = {
            id(node)
            for call in ast.walk(top)
            if isinstance(call, ast.Call)
            for keyword in call.keywords
            if keyword.arg == "uses"
            for node in ast.walk(keyword.value)
        }
        for node in ast.walk(top):
            items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", None)
            if items is not None and id(node) not in skipped:
                yield top, {e.value for e in items if isinstance(e, ast.Constant)}


def name_of(top):
    if isinstance(top, ast.FunctionDef | ast.ClassDef):
        return top.name
    target = top.target if isinstance(top, ast.AnnAssign) else top.targets[0]
    return target.id


@cache
def trees():
    """Return (file, its syntax tree) of all sources but the declarations themselves."""
    paths = [path for folder in ("app", "cifar_core") for path in (ROOT / folder).rglob("*.py")]
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text("utf-8")))
        for path in paths
        if not path.is_relative_to(ROOT / "cifar_core" / "config")
    ]


def test_nobody_keeps_a_list_of_settings_beside_their_declaration():
    lists = {
        f"{path} {name_of(top)}"
        for path, tree in trees()
        for top, strings in collections(tree)
        if len(strings & NAMES) >= 3
    }
    assert lists == set(OTHER_THINGS)


def test_a_list_of_settings_would_be_seen():
    lists = 'COSTLY = ("model", "epochs", "seed")\ndef f():\n    return {"seed": 1, "flip": 2}'
    found = [(name_of(top), names) for top, names in collections(ast.parse(lists))]
    assert found == [("COSTLY", {"model", "epochs", "seed"}), ("f", {"seed", "flip"})]


def test_every_setting_has_its_place_and_every_place_its_settings():
    assert {rule_of(f).group for f in fields(TrainConfig)} == {*GROUPS}


# scope: what another value makes of a run


def test_every_setting_of_the_machine_is_no_part_of_the_recipe():
    for f in fields(TrainConfig):
        rule = rule_of(f)
        beside = f.name in ("data", "split_seed")
        assert (rule.scope != "recipe") == (rule.group in (MACHINE, REPEATS) or beside)
    assert names_of(TrainConfig, lambda rule: rule.scope == "sample") == ["split_seed", "seed"]


def test_only_the_recipe_is_searched_for_the_best_values():
    recipe = set(names_of(TrainConfig, lambda rule: rule.scope == "recipe"))
    assert set(SEARCHED) == recipe - {"milestones"}  # which is a text
    assert not {"seed", "split_seed", "threads", "keep_checkpoints"} & {*SEARCHED}


# often_varied: the first ones that people are offered


def test_the_settings_that_people_vary_most_often_are_offered_first():
    often = names_of(TrainConfig, lambda rule: rule.often_varied)
    assert list(SETTINGS)[: len(often)] == often
    assert {"optimizer", "learning_rate", "weight_decay", "seed"} <= {*often}


# costly: how many images a run computes, or how much for each


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return data.load("synthetic:1000", tmp_path_factory.mktemp("store"))


def another(f):
    """Return another allowed value of a setting."""
    rule, default = rule_of(f), f.default
    if rule.among is not None:
        return next(key for key in rule.among if key != default)
    if rule.type == "switch":
        return not default
    if rule.type == "text":
        return {"milestones": "40", "device": "cpu"}.get(f.name, "synthetic")
    return default * 2 if rule.low < default * 2 <= rule.high else type(default)(rule.high / 2)


@pytest.mark.parametrize("f", fields(TrainConfig), ids=lambda f: f.name)
def test_a_setting_is_costly_if_a_run_computes_more_or_fewer_images_or_larger_ones(f, images):
    base = TrainConfig(
        model="mobilenet_v2_imagenet",
        epochs=20,
        batch_size=32,
        val_fraction=0.3,
        cached_views=0,
        best_by="loss",
    )
    changed = replace(base, **{f.name: another(f)})
    assert (work(changed, images) != work(base, images)) == rule_of(f).costly


def work(config, images):
    return config.card().multiply_adds * config.batch_size, steps_of(config, images)


# shapes_step: what a trial of the ways to compute a step holds for


def test_a_trial_holds_for_the_same_network_batch_and_machine():
    """The file's name is a digest of these, so that another set would lose all kept trials."""
    kept = identity_of(TrainConfig(model="mobilenet_v2_imagenet"), "A CPU", 3)
    assert set(kept) == {
        "device", "threads", "torch", "model", "resolution", "plan", "batch_size", "micro_batch",
        "optimizer", "memory_format", "precision", "startup",
    }  # fmt: skip
    assert (kept["device"], kept["threads"]) == ("A CPU", 3)
    assert "dropout" in identity_of(TrainConfig(model="simple_cnn_dropout"), "A CPU", 3)


def test_a_trial_of_larger_images_is_one_of_its_own():
    usual, decided, large = (
        identity_of(TrainConfig(image_size=side), "A CPU", 3) for side in (0, 32, 64)
    )
    assert decided == usual
    assert large == {**usual, "image_size": 64}


# decided_at_start: what the machine chooses where the setting leaves it open


def test_what_the_machine_decides_at_the_start_is_recorded_under_the_setting_s_name():
    plan = by_rule(TrainConfig(), "cpu")
    recorded = {*plan.record(), "threads"}  # threads are in environment.json itself
    decided = names_of(TrainConfig, lambda rule: rule.decided_at_start)
    assert set(decided) == recorded & NAMES
    assert all(f.default in ("auto", 0) for f in fields(TrainConfig) if f.name in decided)


# log_scale: spaced and compared by factors


def test_only_numbers_that_can_be_spaced_by_factors_have_a_log_scale():
    for f in fields(TrainConfig):
        if rule_of(f).log_scale:
            assert rule_of(f).type in ("integer", "real")
            assert f.default > 0
    logs = names_of(TrainConfig, lambda rule: rule.log_scale)
    assert {"learning_rate", "weight_decay", "batch_size", "backbone_rate"} <= {*logs}


# plural: a setting names several of its values itself


@pytest.mark.parametrize("f", fields(TrainConfig), ids=lambda f: f.name)
def test_every_setting_can_be_counted_in_english(f):
    several, single = counted(f, 3), counted(f, 1)
    if plural := rule_of(f).plural:
        assert plural.endswith("s")
        assert not plural.endswith(("ss", "hs", "xs", "ys"))
        assert (several, single) == (f"3 {plural}", f"1 {plural[:-1]}")
    else:
        assert several == f"3 values of {label_of(f)}"
        assert single == f"1 value of {label_of(f)}"


def test_settings_are_counted_as_people_call_them():
    by_name = {f.name: f for f in fields(TrainConfig)}
    words = [counted(by_name[n], 3) for n in ("optimizer", "learning_rate", "flip_mode")]
    assert words == ["3 optimizers", "3 rates", "3 values of Mirror when"]


def test_the_plural_with_an_s_is_used_only_for_words_that_take_it():
    nouns = [
        node.args[1].value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "plural"
        if isinstance(node.args[1], ast.Constant)
    ]
    assert len(nouns) > 20
    assert [noun for noun in nouns if noun.endswith(("s", "x", "rch", "tch", "sh", "y"))] == []


# what is known without torch agrees with the entries


def test_a_network_is_pretrained_if_its_entry_has_weights_whose_key_is_its_own():
    assert {spec.key for spec in MODELS.values() if spec.weights} == set(WEIGHTS)
    assert all(spec.weights in ("", spec.key) for spec in MODELS.values())


def test_nobody_guesses_from_a_name_whether_a_network_is_pretrained():
    guesses = [
        path
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "").endswith("with")
        if any(isinstance(a, ast.Constant) and "imagenet" in str(a.value) for a in node.args)
    ]
    assert guesses == []


def test_every_way_to_change_images_counts_as_augmentation():
    off = {f.name: f.default for f in fields(Augment)}
    assert not is_augmented(off)
    assert not is_augmented({})  # of a run before there were any
    details = {"flip_mode", "padding_mode"} | {n for n in off if n.startswith("policy_")}
    for name, default in off.items():
        value = "aug_mix" if isinstance(default, str) else default + 1
        assert is_augmented({**off, name: value}) == (name not in details)
    assert {*off} <= NAMES


def test_the_settings_that_the_list_of_runs_shows_come_first_in_titles():
    names = ["flip", "schedule", "epochs", "learning_rate", "model", "flip"]
    assert in_order(names) == ["model", "learning_rate", "epochs", "flip", "schedule"]
