"""The search of the runs: what it finds, what it says, and that nothing else ever comes of it."""

import random
import time

import pytest
from msgspec.structs import replace

from cifar_core.errors import QueryError
from cifar_core.runs.listing.columns import COLUMNS
from cifar_core.runs.listing.run_filter import parse
from cifar_core.runs.store.run_row import RunRow

ROW = RunRow(
    number=3, id="3-lab-resnet", name="Lab ResNet", state="failed", reason="diverged", message="",
    action="", parent="", model="resnet_18", optimizer="adam", learning_rate=0.01, batch_size=128,
    epochs=20, epochs_done=12, step=9, total_steps=10, best_val_accuracy=0.87, best_epoch=11,
    last_val_accuracy=0.86, last_train_loss=0.4, test_accuracy=None, val_images=100,
    test_images=100, data_title="CIFAR-10", data_kind="cifar10", seconds=700.0,
    created_at=time.mktime((2026, 11, 27, 12, 0, 0, 0, 0, -1)), started_at=None, ended_at=None,
    parameters=11_200_000, tags=["lab", "week-3"], note="Too **fast**", starred=True, seed=2,
    pinned=True,
    settings={"dropout": 0.3, "flip": True, "schedule": "one_cycle", "momentum": 0.9},
)  # fmt: skip


def passes(text, row=ROW):
    return parse(text, ROW.settings).matches(row)


@pytest.mark.parametrize(
    "text",
    [
        *("", "   ", "-", "resnet", "LAB failed", '"lab resnet"', "#3", "fast", "resnet 18"),
        *("arch:resnet", "acc>85", "acc>0.85", "acc>=87%", "acc<1", "lr<=0.01", "lr:0.01"),
        *("lr=1e-2", "lr:.01"),
        *("tag:lab", "tag:week-3", "tag:old,lab", "-tag:old", "tag!=old", "state:failed"),
        *("state:fail", "state=failed", "state!=finished", "opt:adam,sgd", "data:cifar"),
        *("epochs>10", "done<=12", "params<12M", "params>1e6", "seed:1,2", "at:11", "star:yes"),
        *("pin:yes", "pinned:yes", "-pin:no"),
        *("time>10min", "time<1h", "time>699", "made:2026", "made:2026-11", "made>=2026-11-27"),
        *("made<2027", "made<=2026-11", 'name:"lab res"', "note:fast", "-test>=80", "run:3"),
        *("dropout:0.3", "dropout<0.5", "flip:yes", "flip!=no", "schedule:cycle", "momentum>0"),
        "arch:resnet acc>85 lr<=0.01 tag:lab -tag:old opt:adam epochs>10",
    ],
)  # fmt: skip
def test_a_run_is_found_by_what_is_true_of_it(text):
    assert passes(text)


@pytest.mark.parametrize(
    "text",
    [
        *("vgg", "-resnet", '"resnet lab"', "arch:vgg", "acc>88", "acc<0.5", "acc>=1", "lr>0.01"),
        *("tag:la", "-tag:lab", "tag!=lab", "state=fail", "opt:sgd", "opt=ada", "params<1e6"),
        *("test>=80", "test<80", "star:no", "pin:no", "time<10min", "made:2025", "made>2026-11-27"),
        *("dropout>0.3", "flip:no", "schedule=cycle", "seed:1,3", "acc>85 tag:old"),
    ],
)
def test_a_run_is_not_found_by_what_is_not(text):
    assert not passes(text)


def test_an_optimizer_whose_name_begins_with_another_is_told_apart_by_an_equals_sign():
    adamw = replace(ROW, optimizer="adamw")
    assert passes("opt:adam", adamw)
    assert not passes("opt=adam", adamw)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ach:resnet", "There is no field 'ach'. Did you mean 'arch'?"),
        ("drpout>0.1", "Did you mean 'dropout'?"),
        ("xyzzy:3", "There is no field 'xyzzy'. Put text"),
        ("acc>", "'acc>' must be followed by an accuracy, such as acc>85."),
        ("-tag:", "'tag:' must be followed by a tag, such as tag:lab."),
        ("dropout<", "'dropout<' must be followed by a value, such as dropout:1."),
        ("acc>high", "'high' is not a value of 'acc'. Examples: 85 or 85% or 0.85."),
        ("time<3 time<3weeks", "'3weeks' is not a value of 'time'. Examples: 90, 10min"),
        ("params<1x", "'1x' is not a value of 'params'"),
        ("dropout>abc", "'abc' is not a value of 'dropout'. Examples: 1e6."),
        ("arch>resnet", "'arch' is text. Filter it with 'arch:' or 'arch='."),
        ("tag>lab", "Write tag:lab or -tag:lab."),
        ("made>monday", "'monday' is not a day. Examples: 2026-11 or 2026-11-27."),
        ("star:maybe", "'star' is yes or no. Write star:yes or star:no."),
        (">5", "'>' must follow a field, such as acc>85."),
        ("curve:1", "There is no field 'curve'."),
    ],
)
def test_what_cannot_be_understood_is_said_in_a_sentence(text, sentence):
    with pytest.raises(QueryError) as error:
        parse(text, ROW.settings)
    assert sentence in str(error.value)


def test_text_with_signs_can_be_searched_in_quotation_marks():
    row = replace(ROW, name="ratio 4:3 a>b")
    assert passes('"4:3" "a>b"', row)
    assert not passes('"4:3" "a>b"')


def test_whatever_is_typed_gives_an_answer_or_a_sentence():
    source = random.Random(0)
    pieces = [*"-:=<>!%\"'.,#\\ \t\n()*[é٣²∞\x00\ud800"]
    pieces += ["acc", "tag:", "lr<", "1e", "e9", "999", "nan", "inf", ">=", "!=", "dropout"]
    pieces += ["made:", "2026-", "-1", "star", "min"]
    rows = [ROW, replace(ROW, best_val_accuracy=None, tags=[], settings={}, note="")]
    understood = 0
    for _ in range(4000):
        text = "".join(source.choices(pieces, k=source.randint(1, 9)))
        try:
            run_filter = parse(text, ROW.settings)
        except QueryError:
            continue
        understood += 1
        assert {run_filter.matches(row) for row in rows} <= {True, False}
    assert 400 < understood < 3600  # both ways are walked


def test_no_two_columns_answer_to_the_same_word():
    words = [word for column in COLUMNS.values() for word in {column.key, *column.words}]
    assert len(words) == len(set(words))


def test_every_column_has_a_value_for_a_run_that_knows_nothing(tmp_path):
    from cifar_core.runs.record.run import Run
    from cifar_core.runs.store.run_row import read_row

    row = read_row(Run(tmp_path / "1-nothing"))
    assert len([column.of(row) for column in COLUMNS.values()]) == len(COLUMNS)
