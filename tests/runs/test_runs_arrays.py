import numpy as np
import pytest

from cifar_core.disk.arrays import read, write


@pytest.fixture
def path(tmp_path):
    return tmp_path / "folder" / "values.safetensors"


def test_arrays_and_words_come_back_as_they_were(path):
    write(path, {"a": np.arange(3), "b": np.ones((2, 2), np.float16)}, {"say": "hello"})
    values, facts = read(path)
    assert values["a"].tolist() == [0, 1, 2]
    assert values["b"].dtype == np.float16
    assert facts["say"] == "hello"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_view_with_gaps_is_kept_as_what_it_shows(path):
    write(path, {"column": np.arange(12).reshape(4, 3)[:, 2]}, {})
    values, _ = read(path)
    assert values["column"].tolist() == [2, 5, 8, 11]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"\x55"])
def test_a_damaged_file_is_removed_so_that_it_is_made_anew(path, damage):
    write(path, {"a": np.arange(3)}, {})
    path.write_bytes(damage(path.read_bytes()))
    assert read(path) is None
    assert not path.exists()
