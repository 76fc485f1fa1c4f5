"""Test images are drawn once: by seed, the same share of every class, groups together."""

import csv
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapes import PNG, counts, each, make, opened, tarred, text, zipped

from cifar_core.data.contents import Item
from cifar_core.data.layout.near import keep_near, near_groups
from cifar_core.data.layout.split_off import SPLIT, draw, split_off
from cifar_core.data.options import SetOptions, folder_of


def some(count=20, group=lambda i: "", labels=("cat", "dog")):
    return [
        Item(name=f"{label}/{i}.png", part="train", label=label, group=group(i))
        for label in labels for i in range(count)
    ]  # fmt: skip


def drawn(items, share=0.2, seed=0, near=None, before=None):
    return draw(items, share, seed, near or {}, before)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 100])
def test_the_same_share_of_every_class_is_drawn_and_one_at_least(size):
    items = [*some(size), *some(40, labels=("emu",))]
    found = Counter(name.split("/")[0] for name in drawn(items))
    assert found["emu"] == 8
    assert found["cat"] == found["dog"] == {1: 0, 2: 0, 3: 1, 5: 1, 7: 1, 100: 20}[size]


def test_the_draw_depends_on_seed_and_names_alone():
    items = some()
    assert drawn(items) == drawn(items[::-1])
    assert drawn(items) != drawn(items, seed=1)
    assert drawn(items) == {
        *("cat/1.png", "cat/14.png", "cat/6.png", "cat/9.png"),
        *("dog/13.png", "dog/15.png", "dog/2.png", "dog/9.png"),
    }


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("pqrs")), max_size=60),
    st.floats(0, 1),
)
def test_groups_are_never_divided(pairs, share):
    items = [
        Item(name=f"{i}", part="train", label=label, group=group)
        for i, (label, group) in enumerate(pairs)
    ]
    test = drawn(items, share)
    for group in "pqrs":
        assert len({item.name in test for item in items if item.group == group}) <= 1
    for label in "abc":
        inside = [item.name in test for item in items if item.label == label]
        assert not inside or not all(inside)


def test_pictures_that_are_nearly_the_same_stay_with_their_group():
    items = some(20, group=lambda i: f"g{i // 2}")
    near = {"cat/0.png": "x", "cat/2.png": "x", "dog/7.png": "x"}
    for seed in range(9):
        test = drawn(items, seed=seed, near=near)
        inside = {
            name in test
            for name in ("cat/0.png", "cat/1.png", "cat/2.png", "cat/3.png", "dog/6.png")
        }
        assert len(inside) == 1
        assert test


def test_large_groups_still_leave_test_images_of_every_class():
    items = some(40, group=lambda i: f"patient {i // 10}")
    test = drawn(items)
    assert Counter(name.split("/")[0] for name in test) == {"cat": 10, "dog": 10}


def test_a_draw_is_written_down_and_files_that_come_later_keep_it(tmp_path):
    folder = make(tmp_path / "set", each(["{cat,dog}"], 10))
    first = {item.name: item.part for item in opened(folder).items}
    make(folder, each(["{cat,dog}"], 20), ["cat/=1+1.png"])
    second = opened(folder)
    parts = {item.name: item.part for item in second.items}
    assert first.items() <= parts.items()
    assert counts(second) == {"train": 33, "test": 8}
    assert parts == {item.name: item.part for item in opened(folder).items}
    with (folder_of(tmp_path / "store", str(folder)) / SPLIT).open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 41
    assert "written down, so that they stay the same" in text(second)


def test_names_that_a_spreadsheet_would_execute_keep_their_part(tmp_path):
    folder = make(tmp_path / "set", each(["{=cat,@dog}"], 10))
    first = opened(folder)
    make(folder, ["=cat/0a.png"])
    parts = {item.name: item.part for item in opened(folder).items}
    assert {item.name: item.part for item in first.items}.items() <= parts.items()


def test_another_seed_or_share_or_other_files_are_drawn_again(tmp_path):
    folder = make(tmp_path / "set", each(["{cat,dog}"], 10))
    first = {item.name for item in opened(folder).items if item.part == "test"}
    other = opened(folder, split_seed=1)
    assert first != {item.name for item in other.items if item.part == "test"}
    assert counts(opened(folder, test_share=0.5)) == {"train": 10, "test": 10}
    for path in folder.glob("*/*.png"):
        path.rename(path.with_name(f"new {path.name}"))
    assert counts(opened(folder)) == {"train": 16, "test": 4}
    path = folder_of(tmp_path / "store", str(folder)) / SPLIT
    path.write_bytes(b"\xff\0garbage")
    assert counts(opened(folder)) == {"train": 16, "test": 4}


def test_a_store_that_may_not_be_written_to_can_still_look(tmp_path):
    (tmp_path / "store").write_text("a file where the store would be")
    found = opened(make(tmp_path / "set", each(["{cat,dog}"])))
    assert counts(found) == {"train": 8, "test": 2}
    assert "not written down, since the store may not be written to" in text(found)


def test_near_duplicates_that_were_found_divide_the_set_again(tmp_path):
    folder = make(tmp_path / "set", each(["{cat,dog}"], 10))
    first = opened(folder)
    test = next(item.name for item in first.items if item.part == "test" and item.label == "cat")
    train = next(item.name for item in first.items if item.part == "train" and item.label == "cat")
    keep_near(tmp_path / "store", str(folder), {test: "1", train: "1"})
    assert near_groups(tmp_path / "store", str(folder)) == {test: "1", train: "1"}
    second = opened(folder)
    assert len({item.part for item in second.items if item.name in (test, train)}) == 1
    assert "Images that are nearly the same are all in one part." in second.said
    apart = opened(folder, keep_together=False)
    assert "nearly the same" not in text(apart)


def test_images_that_are_kept_together_no_more_are_drawn_again(tmp_path):
    items, near = some(), {f"cat/{i}.png": "x" for i in range(4)}
    apart, together = SetOptions(keep_together=False), SetOptions()
    first, _ = split_off(items, apart, tmp_path, "s")
    assert 0 < len(first & near.keys()) < 4
    test, written = split_off(items, together, tmp_path, "s", near)
    assert written
    assert len(test & near.keys()) in (0, 4)
    assert split_off(items, apart, tmp_path, "s") == (first, True)


def test_items_of_a_set_without_a_folder_can_be_divided_too(tmp_path):
    """As arrays are, whose items have numbers for names."""
    test, kept = split_off(some(), SetOptions(), tmp_path, "x.npz")
    assert (len(test), kept) == (8, True)
    assert split_off(some(), SetOptions(), tmp_path, "x.npz") == (test, True)


def pairs(count=20):
    """Name pictures of which two each are the same file."""
    return {
        f"{label}/{i}_{copy}.png": PNG + f"{label}{i:03}".encode()
        for label in ("cat", "dog") for i in range(count) for copy in "ab"
    }  # fmt: skip


def divided(found):
    """Return the files whose two copies are in two parts."""
    parts = {item.name: item.part for item in found.items}
    return {name for name in parts if parts[name] != parts[name.replace("_b.", "_a.")]}


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_copies_of_a_file_are_in_one_part(tmp_path, kind):
    path = tmp_path / "set"
    make(path, pairs()) if kind == "folder" else zipped(path, pairs())
    found = opened(path)
    assert not divided(found)
    assert counts(found) == {"train": 64, "test": 16}
    assert divided(opened(path, keep_together=False))
    assert divided(opened(tarred(tmp_path / "set.tar", pairs())))  # without copies' checksums


def test_a_copy_that_is_added_later_goes_where_its_file_is(tmp_path):
    shape = pairs()
    first = opened(make(tmp_path / "set", {n: d for n, d in shape.items() if "_a." in n}))
    parts = {item.name: item.part for item in first.items}
    found = opened(make(tmp_path / "set", shape))
    assert not divided(found)
    assert parts.items() <= {item.name: item.part for item in found.items}.items()


def test_a_class_of_one_file_is_divided_all_the_same(tmp_path):
    shape = pairs() | {f"emu/{i}.png": PNG for i in range(10)}
    assert (
        Counter(i.part for i in opened(make(tmp_path / "set", shape)).items if i.label == "emu")[
            "test"
        ]
        == 2
    )
