"""Hostile pictures, archives and weights: shown, or refused in one sentence, in little memory."""

import corpus
import pytest
from measure import READERS, megabytes

from cifar_core.data.pictures.images import open_image
from cifar_core.errors import CifarError, ImageError, WeightsError

PARTS = {
    "picture": {**corpus.PICTURES, **corpus.NO_PICTURES},
    "archive": corpus.ARCHIVES,
    "head": corpus.HEADS,
    "text": {name: lambda text=text: text for name, text in corpus.TEXTS.items()},
}
MOST_MEGABYTES = 200


def is_one_sentence(error):
    """Tell whether a message is short, on one line, and printable, with an end."""
    said = str(error)
    return said.isprintable() and len(said) < 500 and said.endswith((".", '"', "'"))


@pytest.mark.parametrize("name", corpus.PICTURES)
def test_an_odd_picture_is_shown(name):
    picture = open_image(corpus.PICTURES[name]())
    assert picture.mode == "RGB"
    assert max(picture.size) <= 1600


@pytest.mark.parametrize("name", corpus.NO_PICTURES)
def test_what_lies_about_its_size_or_is_no_picture_is_refused(name):
    with pytest.raises(ImageError) as caught:
        open_image(corpus.NO_PICTURES[name](), "cat.png")
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize("name", corpus.HEADS)
def test_a_head_that_lies_is_refused(name, tmp_path):
    path = corpus.write(tmp_path / "given.safetensors", corpus.HEADS[name]())
    with pytest.raises(WeightsError) as caught:
        READERS["head"](path)
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize("name", corpus.ARCHIVES)
def test_an_archive_is_read_in_memory_or_refused_and_nothing_is_unpacked(name, tmp_path):
    path = corpus.write(tmp_path / "given", corpus.ARCHIVES[name]())
    try:
        READERS["archive"](path)
    except CifarError as error:
        refused = error
    else:
        refused = None
    assert refused is None or is_one_sentence(refused)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("part", PARTS)
def test_no_hostile_file_takes_much_memory(part, tmp_path):
    for number, make in enumerate(PARTS[part].values()):
        corpus.write(tmp_path / f"{number:03d}", make())
    assert 0 <= megabytes(part, tmp_path) < MOST_MEGABYTES
