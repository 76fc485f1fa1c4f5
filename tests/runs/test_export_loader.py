"""The loader of an export sees pictures as the pages do."""

import io
import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from PIL import Image

from cifar_core.data.pictures.images import open_image, to_tensor
from cifar_core.data.sizing import FITS, Sizing
from cifar_core.runs.exchange import export_loader
from cifar_core.runs.exchange.export_words import preprocessing

SIZINGS = [
    *(Sizing(side=side, stored=side, fit=fit) for side in (32, 64) for fit in FITS),
    Sizing(side=64, stored=73),
]


def photo(width, height):
    down, across = np.mgrid[:height, :width]
    channels = (across * 255 // width, down * 255 // height, (across * down) % 256)
    return Image.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def rotated():
    picture = photo(120, 90)
    picture.getexif()[0x0112] = 6
    return picture, {"format": "JPEG", "exif": picture.getexif()}


def see_through():
    picture = photo(90, 120).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize((90, 120)))
    return picture, {"format": "PNG"}


PICTURES = {
    "jpeg": lambda: (photo(300, 200), {"format": "JPEG"}),
    "rotated": rotated,
    "see-through": see_through,
    "gray": lambda: (photo(80, 100).convert("L"), {"format": "PNG"}),
    "palette": lambda: (photo(80, 100).convert("P"), {"format": "PNG"}),
    "small": lambda: (photo(20, 31), {"format": "PNG"}),
    "large": lambda: (photo(3400, 3300), {"format": "JPEG"}),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_the_loader_sees_what_the_pages_see(kind, tmp_path, monkeypatch):
    picture, options = PICTURES[kind]()
    content = io.BytesIO()
    picture.save(content, **options)
    (tmp_path / "picture").write_bytes(content.getvalue())
    shown = open_image(content.getvalue())
    monkeypatch.setattr(export_loader, "HERE", tmp_path)
    for sizing in SIZINGS:
        facts = json.dumps({"preprocessing": asdict(sizing)})
        (tmp_path / "model.json").write_text(facts)
        seen = export_loader.seen(tmp_path / "picture")
        assert torch.equal(seen, to_tensor(shown, sizing)), sizing


def test_the_words_of_the_preprocessing_name_the_sizes():
    assert "its centered square is scaled to 32 x 32" in preprocessing(Sizing())
    wide = preprocessing(Sizing(side=64, stored=73))
    assert "73 x 73 pixels, of which the middle 64 x 64" in wide
    assert "centered on black" in preprocessing(Sizing(side=64, stored=64, fit="fit"))
    assert "whatever its shape" in preprocessing(Sizing(side=64, stored=64, fit="stretch"))
