import json
import resource
import threading

import numpy as np
import pytest

from cifar_core.data.cache import cache_folder, cached, key
from cifar_core.data.dataset import Dataset, Images, fingerprint
from cifar_core.data.listing import decoded
from cifar_core.errors import DataError


def tiny(seed=0, source="here"):
    random = np.random.default_rng(seed)
    parts = [
        Images(
            pixels=random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8),
            labels=np.arange(count) % 2,
        )
        for count in (6, 4)
    ]
    return Dataset(
        kind="folder", title="Tiny", source=source, classes=("a", "b"), train=parts[0],
        test=parts[1], fingerprint=fingerprint(("a", "b"), parts), note="A note.",
        test_masks=random.random((4, 32, 32)) < 0.5,
    )  # fmt: skip


def never():
    raise AssertionError("it was kept and need not be built")


def names(store):
    return sorted(path.name for path in cache_folder(store).iterdir())


def test_what_is_opened_is_what_was_built(tmp_path):
    built = tiny()
    for build in (tiny, never):
        kept = cached(tmp_path, "tiny", 1, build)
        assert np.array_equal(kept.train.pixels, built.train.pixels)
        assert np.array_equal(kept.test.labels, built.test.labels)
        assert np.array_equal(kept.test_masks, built.test_masks)
        assert kept.train_masks is None
        assert (kept.kind, kept.title, kept.source) == (built.kind, built.title, built.source)
        assert (kept.classes, kept.note) == (built.classes, built.note)
        assert (
            kept.fingerprint
            == built.fingerprint
            == fingerprint(kept.classes, (kept.train, kept.test))
        )


def test_another_identity_is_another_dataset(tmp_path):
    first = cached(tmp_path, "tiny", [1, "a"], tiny)
    second = cached(tmp_path, "tiny", [2, "a"], lambda: tiny(seed=1, source="there"))
    assert first.fingerprint != second.fingerprint
    assert cached(tmp_path, "tiny", [1, "a"], never).fingerprint == first.fingerprint


def test_what_was_decoded_before_the_source_changed_is_removed(tmp_path):
    old = cached(tmp_path, "tiny", 1, tiny)
    wanted = np.array(old.train.pixels)
    cached(tmp_path, "tiny", 2, lambda: tiny(seed=1))
    assert names(tmp_path) == sorted([key("tiny", 2), ".locks"])
    assert np.array_equal(old.train.pixels, wanted)  # a run that has it open can go on


def test_nothing_is_left_of_a_failed_build(tmp_path):
    def fail():
        raise DataError("no")

    with pytest.raises(DataError, match="no"):
        cached(tmp_path, "tiny", 1, fail)
    assert names(tmp_path) == [".locks"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DataError, match=r"could not be kept in .*They need 0 MB: free some"):
            cached(tmp_path, "tiny", 1, tiny)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == [".locks"]


def test_a_store_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "data").write_text("a file where a folder should be")
    with pytest.raises(DataError, match="could not be kept"):
        cached(tmp_path, "tiny", 1, tiny)


def test_a_half_written_dataset_of_a_dead_process_is_removed(tmp_path):
    half = cache_folder(tmp_path) / f"{key('tiny', 1)}.building"
    half.mkdir(parents=True)
    (half / "train_pixels.npy").write_bytes(b"half")
    cached(tmp_path, "tiny", 1, tiny)
    assert names(tmp_path) == sorted([key("tiny", 1), ".locks"])


@pytest.mark.parametrize("file", ["meta.json", "train_pixels.npy", "test_labels.npy"])
@pytest.mark.parametrize("damage", ["removed", "truncated", "replaced"])
def test_a_damaged_dataset_is_built_anew(tmp_path, file, damage):
    cached(tmp_path, "tiny", 1, tiny)
    path = cache_folder(tmp_path) / key("tiny", 1) / file
    data = path.read_bytes()
    path.unlink()
    if damage != "removed":
        path.write_bytes(data[:-1] if damage == "truncated" else bytes(len(data)))
    assert cached(tmp_path, "tiny", 1, tiny).fingerprint == tiny().fingerprint
    cached(tmp_path, "tiny", 1, never)


@pytest.mark.parametrize("entry", ["kind", "title", "source", "classes", "fingerprint", "note",
                                   "train_images", "test_images", "bytes"])  # fmt: skip
@pytest.mark.parametrize("value", [None, [1], {}, -1, "missing"])
def test_a_description_with_an_entry_of_another_kind_is_passed_over(tmp_path, entry, value):
    built = cached(tmp_path, "tiny", 1, tiny)
    path = cache_folder(tmp_path) / key("tiny", 1) / "meta.json"
    values = json.loads(path.read_text())
    del values["check"], values[entry]  # as a file that was written by hand
    path.write_text(json.dumps(values if value == "missing" else {**values, entry: value}))
    assert [meta["source"] for meta in decoded(tmp_path)] == []
    assert cached(tmp_path, "tiny", 1, tiny).fingerprint == built.fingerprint


def test_two_that_want_the_same_at_once_build_it_once(tmp_path):
    builds, found = [], []
    both_started = threading.Barrier(2)

    def build():
        builds.append(1)
        return tiny()

    def want():
        both_started.wait()
        found.append(cached(tmp_path, "tiny", 1, build).fingerprint)

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tiny().fingerprint] * 2
    assert len(builds) == 1


def test_no_one_waits_for_another_dataset(tmp_path):
    began, may_end = threading.Event(), threading.Event()

    def slow():
        began.set()
        assert may_end.wait(30)
        return tiny()

    long = threading.Thread(target=cached, args=(tmp_path, "slow", 1, slow))
    long.start()
    assert began.wait(30)
    half = cache_folder(tmp_path) / f"{key('slow', 1)}.building"
    half.mkdir()
    assert cached(tmp_path, "tiny", 2, lambda: tiny(seed=1)).fingerprint
    assert half.exists()  # it belongs to one who lives
    half.rmdir()
    may_end.set()
    long.join()
    assert names(tmp_path) == sorted([key("slow", 1), ".locks"])  # both are of the same source


def test_a_folder_can_be_recognized_and_has_no_odd_characters():
    assert key("my pets/2", 1).startswith("my-pets-2-")
    assert len(key("x" * 500, 1)) < 60
