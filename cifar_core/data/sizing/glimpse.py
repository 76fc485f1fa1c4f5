"""A few images of a set at a run's size, before the set is decoded at that size."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cifar_core.data import find
from cifar_core.data.dataset import Images
from cifar_core.data.decoding import Source, details_of
from cifar_core.data.pictures.images import square_of
from cifar_core.data.pictures.network_pixels import network_pixels
from cifar_core.data.sizing import Sizing
from cifar_core.data.sources import synthetic
from cifar_core.errors import DataError, ImageError


def glimpse(source: str, store: Path, chosen: NDArray[np.int64], sizing: Sizing) -> Images:
    """Return some training images of a resolved source, by their indices, as a run has them.

    Of a set that is decoded at the usual size only, the pictures themselves are read. Images that
    the program draws are others of the same kind, without their labels. Raises DataError.
    """
    images = find.kept(source, store, sizing)
    if images is not None:
        return images_of(np.asarray(images.train.kept[chosen]), sizing)
    if synthetic.is_source(source):
        return images_of(synthetic.some(len(chosen), sizing.stored), sizing)
    usual = find.kept(source, store)
    if usual is None:
        raise DataError(f"The images of {source} are not read yet. Wait until they are.")
    details = details_of(store, source, usual.fingerprint)
    if details is None:  # a set without pictures of another size
        seen = [square_of(Image.fromarray(image), sizing) for image in usual.train.pixels[chosen]]
        return images_of(np.stack([np.asarray(image) for image in seen]), sizing)
    names = [details.names[index] for index in chosen]
    return images_of(read(find.source_of(source, store), names, sizing), sizing)


def images_of(kept: NDArray[np.uint8], sizing: Sizing) -> Images:
    """Return images whose squares [n, stored, stored, 3] are known, and not their labels."""
    return Images(
        pixels=sizing.centers(kept),
        labels=np.zeros(len(kept), np.int64),
        wider=kept if sizing.is_wider else None,
    )


def read(source: Source, names: list[str], sizing: Sizing) -> NDArray[np.uint8]:
    """Read pictures by their names: [n, stored, stored, 3]; DataError if they have changed."""
    contents = source.open(source.path, source.options, source.store)
    places = {item.name: place for place, item in enumerate(contents.items)}
    raws = dict(contents.pictures({places[name] for name in names if name in places}))
    if len(raws) < len(set(names)):
        raise DataError(f"Some pictures of {source.name} are gone. Read the images again.")
    try:
        return np.stack([network_pixels(raws[places[name]], name, sizing).pixels for name in names])
    except ImageError as error:
        raise DataError(str(error)) from error
