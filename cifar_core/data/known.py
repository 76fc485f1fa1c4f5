"""What is known about a data set that has a name, before any of its images are decoded."""

from pathlib import Path
from typing import Any

from cifar_core.data.hub.names import hub_name, is_hub_name
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.published.published_set import PublishedSet
from cifar_core.data.sources import cifar10, synthetic
from cifar_core.data.sources.shapes import SHAPES

DRAWN = {
    "title": synthetic.TITLE,
    "classes": tuple(SHAPES),
    "note": synthetic.NOTE,
    "split": "Training and test images were drawn separately, from different random numbers.",
}
BY_ITSELF = (
    "The set's folders or tables say which images are to train on and which to test with; where "
    "they do not, some were drawn here."
)


def known(source: str) -> dict[str, Any]:
    """Return values of a DataStatus; none for a person's own images."""
    if synthetic.is_source(source):
        return DRAWN
    if cifar10.is_official(Path(source)):
        return published("cifar10")
    if is_hub_name(source):
        return {"title": hub_name(source).title, "split": ""}
    return published(source) if source in PUBLISHED else {}


def published(key: str) -> dict[str, Any]:
    """Return what is known of a published set."""
    spec: PublishedSet = PUBLISHED[key]
    return {
        "title": spec.title,
        "classes": spec.names,
        "train_images": spec.train + spec.val,
        "test_images": spec.test,
        "note": spec.summary,
        "origin": spec.origin,
        "split": spec.split,
    }
