import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from decoding_helpers import CLASSES, as_folder, items_of, listed, picture, small_set, source
from PIL import Image

from cifar_core.data import decoding
from cifar_core.data.cache import cache_folder
from cifar_core.data.contents import Contents
from cifar_core.data.decoding import engine
from cifar_core.data.decoding.draft import FLUSH_SECONDS, Draft
from cifar_core.data.options import SetOptions, keep_options
from cifar_core.errors import DataError

HERE = Path(__file__).parent
KILLED = """
import sys, time
from pathlib import Path
from decoding_helpers import listed, source
from cifar_core.data import decoding
from cifar_core.data.decoding import draft, engine

draft.FLUSH_SECONDS, engine.TICK, engine.MOST_AT_ONCE = 0.0, 0.01, 2
see = engine.network_pixels
engine.network_pixels = lambda *picture: time.sleep(0.05) or see(*picture)
decoding.load(source(Path(sys.argv[1]) / "pets", Path(sys.argv[1])))
"""


def contents_of(names, pictures):
    return Contents(format="arrays", items=items_of(names), classes=CLASSES, pictures=pictures)


def names_of(train, test=3):
    counts = {"train": train, "test": test}
    return [f"{p}/{CLASSES[i % 3]}/{i:05d}" for p, n in counts.items() for i in range(n)]


def bytes_of(dataset):
    return dataset.fingerprint, np.asarray(dataset.train.pixels).tobytes()


@pytest.mark.parametrize("threads", [1, 4])
def test_any_number_of_threads_and_any_order_give_the_same(tmp_path, threads):
    files = small_set(train=40, val=2)
    plain = decoding.load(source(as_folder(tmp_path / "a/pets", files), tmp_path / "a"))

    def shuffled(path, options, store):
        found = listed(path, options, store)

        def pictures(wanted):
            order = np.random.default_rng(0).permutation(sorted(wanted)).tolist()
            yield from ((i, (path / found.items[i].name).read_bytes()) for i in order)

        return Contents(**{**vars(found), "pictures": pictures})

    there = as_folder(tmp_path / "b/pets", files)
    mixed = decoding.load(source(there, tmp_path / "b", open=shuffled), threads=threads)
    assert bytes_of(mixed) == bytes_of(plain)


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 3)])
def test_arrays_of_the_final_size_are_taken_as_they_are(tmp_path, shape):
    names = names_of(200)
    pixels = np.random.default_rng(0).integers(0, 256, (203, *shape), dtype=np.uint8)
    items = items_of(names)
    open_arrays = contents_of(names, lambda wanted: ((i, pixels[i]) for i in sorted(wanted)))
    (tmp_path / "pets").mkdir()
    dataset = decoding.load(source(tmp_path / "pets", tmp_path, open=lambda *_: open_arrays))
    assert len(items) == 203
    shown = np.repeat(pixels[..., None], 3, axis=-1) if len(shape) == 2 else pixels
    assert np.array_equal(dataset.train.pixels, shown[:200])
    assert np.array_equal(dataset.test.pixels, shown[200:])
    found = decoding.details_of(tmp_path / "store", dataset.source, dataset.fingerprint)
    assert found.gray.all() == (len(shape) == 2)
    assert ("All are gray" in dataset.note) == (len(shape) == 2)


def test_gray_and_colored_and_broken_pictures_beside_each_other_keep_their_places(tmp_path):
    names = names_of(9, test=3)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3), dtype=np.uint8)
    pixels[::3] = pixels[::3, ..., :1]  # of one channel
    files = [png(shown[..., 0] if i % 3 == 0 else shown) for i, shown in enumerate(pixels)]
    files[4] = b"broken"
    (tmp_path / "pets").mkdir()
    mixed = contents_of(names, lambda wanted: ((i, files[i]) for i in sorted(wanted)))
    keep_options(tmp_path / "store", str(tmp_path / "pets"), SetOptions(unreadable=0.2))
    one = source(tmp_path / "pets", tmp_path, open=lambda *_: mixed)
    dataset = decoding.load(one, threads=1)
    assert np.array_equal(dataset.train.pixels, np.delete(pixels[:9], 4, axis=0))
    assert np.array_equal(dataset.test.pixels, pixels[9:])


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def test_only_a_few_files_are_in_memory_at_once(tmp_path, monkeypatch):
    alive, most = set(), []
    lock = threading.Lock()

    class File(bytes):
        def __del__(self):
            with lock:
                alive.discard(id(self))

    def pictures(wanted):
        for index in sorted(wanted):
            file = File(picture(index))
            with lock:
                alive.add(id(file))
                most.append(len(alive))
            yield index, file
            del file

    monkeypatch.setattr(engine, "MOST_BYTES", 40_000)  # about a dozen of these files
    names = names_of(400)
    (tmp_path / "pets").mkdir()
    listing = contents_of(names, pictures)
    decoding.load(source(tmp_path / "pets", tmp_path, open=lambda *_: listing), threads=2)
    assert len(most) == 403
    assert max(most) < 60


def test_a_source_that_fails_in_the_middle_keeps_what_is_done_and_goes_on(tmp_path):
    asked = []

    def broken(path, options, store):
        found = listed(path, options, store)

        def pictures(wanted):
            asked.append(len(wanted))
            for count, one in enumerate(found.pictures(wanted)):
                if count == 100 and len(asked) == 1:
                    raise DataError("The archive ends too early.")
                yield one

        return Contents(**{**vars(found), "pictures": pictures})

    known = source(as_folder(tmp_path / "pets", small_set(train=50)), tmp_path, open=broken)
    with pytest.raises(DataError, match="ends too early"):
        decoding.load(known, threads=1)
    dataset = decoding.load(known)
    assert asked == [156, 156 - 64]  # the handful that was just read is read again
    whole = decoding.load(
        source(as_folder(tmp_path / "b/pets", small_set(train=50)), tmp_path / "b")
    )
    assert bytes_of(dataset) == bytes_of(whole)


def test_pictures_that_are_not_delivered_are_an_error(tmp_path):
    (tmp_path / "pets").mkdir()
    listing = contents_of(names_of(6), lambda wanted: iter([(0, picture(0))]))
    with pytest.raises(DataError, match="8 of 9 pictures were gone"):
        decoding.load(source(tmp_path / "pets", tmp_path, open=lambda *_: listing))


def test_a_killed_decoding_goes_on_and_ends_with_the_same_bytes(tmp_path):
    files = small_set(train=20)
    as_folder(tmp_path / "pets", files)
    environment = {**os.environ, "PYTHONPATH": f"{HERE}:{HERE.parents[1]}"}
    killed = subprocess.Popen([sys.executable, "-c", KILLED, str(tmp_path)], env=environment)
    deadline = time.monotonic() + 60
    done = 0
    while done < 10 and time.monotonic() < deadline:
        for table in cache_folder(tmp_path / "store").glob("*.draft/items.npy"):
            done = np.count_nonzero(np.load(table)[:, 0])
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert 10 <= done < 60
    first = []
    known = source(tmp_path / "pets", tmp_path)
    dataset = decoding.load(known, report=lambda done, total: first.append(done))
    assert next(count for count in first if count) >= done
    whole = decoding.load(source(as_folder(tmp_path / "b/pets", files), tmp_path / "b"))
    assert bytes_of(dataset) == bytes_of(whole)
    assert list(cache_folder(tmp_path / "store").glob("*.*")) == [
        cache_folder(tmp_path / "store") / ".locks"
    ]


def test_another_list_of_pictures_or_a_damaged_file_begins_again(tmp_path):
    def begun(names, side=32):
        draft = Draft(tmp_path / "x.draft", contents_of(names, iter), side)
        draft.close()
        return draft

    draft = Draft(tmp_path / "x.draft", contents_of(names_of(6), iter), 32)
    draft.put(np.array([1, 2]), np.ones((2, 32, 32, 3), np.uint8), np.ones((2, 6), np.int32))
    draft.fail(3, "It is damaged.")
    draft.flush()
    draft.close()
    assert begun(names_of(6)).missing == {0, 3, 4, 5, 6, 7, 8}  # unreadable ones are tried again
    assert begun(names_of(9)).done == 0
    assert begun(names_of(9), side=16).done == 0
    (tmp_path / "x.draft/train_pixels.npy").write_bytes(b"cut")
    assert begun(names_of(9), side=16).done == 0


def test_what_is_written_down_as_done_was_written_before(tmp_path, monkeypatch):
    """Between the table and the pixels there is a flush of the pixels to the disk."""
    order = []
    monkeypatch.setattr("os.fsync", lambda file: order.append("sync"))
    draft = Draft(tmp_path / "x.draft", contents_of(names_of(6), iter), 32)
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda *a: order.append("table") or replace(*a))
    order.clear()
    draft.flush(now=False)
    assert order == []
    monkeypatch.setattr(time, "monotonic", lambda: draft._flushed + FLUSH_SECONDS + 1)
    draft.flush(now=False)
    draft.close()
    assert order == ["sync", "sync", "sync", "table"]  # two files of pixels, the draft of the table


def test_who_waits_for_another_process_decodes_nothing(tmp_path, monkeypatch):
    began, go_on, seen = threading.Event(), threading.Event(), []

    def slow(path, options, store):
        began.set()
        assert go_on.wait(60)
        return listed(path, options, store)

    as_folder(tmp_path / "pets", small_set())
    first = threading.Thread(
        target=decoding.load, args=(source(tmp_path / "pets", tmp_path, open=slow),)
    )
    first.start()
    assert began.wait(60)
    assert decoding.reading_of(tmp_path / "store", str(tmp_path / "pets"))

    def waits(done, total):
        seen.append((done, total))
        go_on.set()

    second = source(tmp_path / "pets", tmp_path, open=None)  # so it could not decode them
    dataset = decoding.load(second, report=waits)
    first.join()
    assert seen
    assert len(dataset.train) == 12
    assert decoding.reading_of(tmp_path / "store", str(tmp_path / "pets")) is None
