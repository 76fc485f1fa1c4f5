"""Whatever names a folder, a table or a pattern holds: a set of images, or one sentence."""

import json
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shapes import PNG, make, opened, zipped

from cifar_core.data.layout.class_folders import read_folders
from cifar_core.data.layout.labels import patterns
from cifar_core.data.layout.labels.tables import read_table
from cifar_core.errors import DataError

WORDS = st.sampled_from(
    [
        *("train", "test", "val", "Train", "dev", "images", "data", "cat", "dog", "cat2", "0", "1"),
        *("10", ".NET", ".git", "__MACOSX", "Ärger", "a=b", "seg_train", "train2017", "x", "y"),
    ]
)
FILES = st.sampled_from(
    [
        *("0.png", "1.jpg", "2", "a.txt", "b.csv", "Thumbs.db", "._0.png", "c.xml", "d.zip"),
        *("e.JPG", "=1.png"),
    ]
)
NAMES = st.lists(st.tuples(st.lists(WORDS, max_size=4), FILES), max_size=25)
ODD = "file,label\n0.png,cat\n1.jpg,dog\n"


def content(name):
    return ODD.encode() if name.endswith((".csv", ".txt")) else PNG


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(NAMES)
def test_any_tree_is_a_set_or_a_sentence(tmp_path_factory, names):
    top = tmp_path_factory.mktemp("fuzz")
    files = {"/".join([*folders, file]): content(file) for folders, file in names}
    files = {n: d for n, d in files.items() if not any(m.startswith(n + "/") for m in files)}
    for path in (make(top / "set", files), zipped(top / "set.zip", files)):
        try:
            found = opened(path)
        except DataError as error:
            assert str(error).endswith(".")  # noqa: PT017
            continue
        given_bytes = dict(found.pictures(set(range(len(found.items)))))
        assert len(given_bytes) == len(found.items) == len({item.name for item in found.items})
        assert {item.label for item in found.items if item.part == "train"} == set(found.classes)
        left = [name for one in found.ignored for name in one.names]
        assert len(left) == len(set(left))
        assert not set(left) & {item.name for item in found.items}
        assert all(words.endswith(".") for words in found.said)


@given(
    st.dictionaries(
        st.lists(st.sampled_from(["train", "test", "a", "b", "images"]), max_size=4).map(tuple),
        st.integers(1, 9),
    )
)
def test_every_folder_is_read_or_left_out_with_a_reason(counts):
    reading = read_folders(Counter(counts))
    if not reading.twice:
        assert set(reading.found) | set(reading.beside) == set(counts)
        assert not set(reading.found) & set(reading.beside)


@settings(max_examples=200)
@given(
    st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.json", "a.jsonl"]),
    st.one_of(st.binary(), st.text().map(str.encode)),
)
def test_any_bytes_are_a_table_or_none(name, data):
    table = read_table(name, data)
    assert table is None or all(len(row) == len(table.columns) for row in table.rows)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["file", "label", "images", "annotations", "categories", "id", "0.png"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(VALUES)
def test_any_json_is_a_table_or_none(value):
    table = read_table("a.json", json.dumps(value).encode())
    assert table is None or all(isinstance(cell, str) for row in table.rows for cell in row)


@given(st.text(max_size=30))
def test_any_text_is_a_pattern_or_refused_in_a_sentence(text):
    try:
        patterns.compiled(text).fullmatch("cat_1")
    except DataError as error:
        assert "must hold {class} once" in str(error)  # noqa: PT017


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=20))
def test_proposals_of_patterns_never_fail(names):
    patterns.proposed(names)
