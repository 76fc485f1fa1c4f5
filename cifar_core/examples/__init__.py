"""Trained runs and drawn pictures that are shipped, so that every page has something to show."""

from cifar_core.examples.pictures import Sample, pictures
from cifar_core.examples.place import put_in_place, restore
from cifar_core.examples.shipped import EXAMPLES, Example

__all__ = ["EXAMPLES", "Example", "Sample", "pictures", "put_in_place", "restore"]
