"""What is known about each kind of data set before any of its images are decoded."""

from typing import Any

from cifar_core.data.sources import cifar10, synthetic
from cifar_core.data.sources.shapes import SHAPES

KNOWN: dict[str, dict[str, Any]] = {  # by kind: values of a DataStatus
    "synthetic": {
        "title": synthetic.TITLE,
        "classes": tuple(SHAPES),
        "note": synthetic.NOTE,
        "split": "Training and test images were drawn separately, from different random numbers.",
    },
    "cifar10": {
        "title": "CIFAR-10",
        "classes": cifar10.CLASSES,
        "train_images": 50_000,
        "test_images": 10_000,
        "origin": "Photographs collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton "
        "(2009), who state no license.",
        "split": "The authors split the images into training and test.",
    },
}
BY_FOLDER = "The folders train and test say which images a network learns from."
