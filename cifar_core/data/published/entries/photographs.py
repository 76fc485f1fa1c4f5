"""Published sets of photographs of all kinds of things."""

from cifar_core.data.published import arrays
from cifar_core.data.published.files import Files
from cifar_core.data.published.known import known
from cifar_core.data.published.published_set import (
    DRAWN,
    UNSTATED,
    VAL_IS_TEST,
    Found,
    PublishedSet,
)
from cifar_core.data.published.readers import class_folders
from cifar_core.data.sources.cifar10 import CLASSES, PYTHON_FOLDER

KRIZHEVSKY = "Photographs collected by Alex Krizhevsky, Vinod Nair and Geoffrey Hinton (2009)."


def imagenette(files: Files) -> Found:
    """Read Imagenette, whose folders have numbers for names."""
    about = known("imagenette")
    titles = dict(zip(about.folders, about.classes, strict=True))
    return class_folders({"train": "train", "val": "test"}, titles=titles)(files)


SPECS = [
    PublishedSet(
        key="cifar10",
        title="CIFAR-10",
        summary="Photographs of ten kinds of animals and vehicles, 32 x 32 pixels.",
        classes=10,
        train=50_000,
        test=10_000,
        made_by=KRIZHEVSKY,
        license=UNSTATED,
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        paper="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
        megabytes=170,
        torchvision="CIFAR10",
        calls=({},),
        bases=(PYTHON_FOLDER, ""),
        marks=("data_batch_1", "test_batch"),
        own_names=CLASSES,
        open=arrays.pickles,
    ),
    PublishedSet(
        key="cifar100",
        title="CIFAR-100",
        summary="Photographs of a hundred kinds of things, 32 x 32 pixels.",
        classes=100,
        train=50_000,
        test=10_000,
        made_by=KRIZHEVSKY,
        license=UNSTATED,
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        paper="https://www.cs.toronto.edu/~kriz/learning-features-2009-TR.pdf",
        megabytes=169,
        torchvision="CIFAR100",
        bases=("cifar-100-python",),
        marks=("train", "test", "meta"),
        archive=True,
        open=arrays.pickles,
    ),
    PublishedSet(
        key="stl10",
        title="STL-10",
        summary="Photographs of ten kinds of animals and vehicles, 96 x 96 pixels; the images "
        "without labels are downloaded too, but not used.",
        classes=10,
        train=5_000,
        test=8_000,
        made_by="Adam Coates, Honglak Lee and Andrew Ng (2011).",
        license=UNSTATED,
        source="https://cs.stanford.edu/~acoates/stl10/",
        paper="https://cs.stanford.edu/~acoates/papers/coatesleeng_aistats_2011.pdf",
        megabytes=2_640,
        torchvision="STL10",
        calls=({"split": "train"},),
        bases=("stl10_binary", ""),
        marks=("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin"),
        own_names=(
            *("airplane", "bird", "car", "cat", "deer"),
            *("dog", "horse", "monkey", "ship", "truck"),
        ),
        open=arrays.stl10,
    ),
    PublishedSet(
        key="imagenette",
        title="Imagenette",
        summary="Ten classes of ImageNet that are easy to tell apart; the shorter side has 320 "
        "pixels.",
        classes=10,
        train=9_469,
        test=3_925,
        split=VAL_IS_TEST,
        made_by="Jeremy Howard, fast.ai (2019), from ImageNet.",
        license="The selection has the Apache 2.0 license, the images the terms of ImageNet.",
        source="https://github.com/fastai/imagenette",
        megabytes=342,
        torchvision="Imagenette",
        calls=({"size": "320px"},),
        bases=("imagenette2-320", "imagenette2-160", "imagenette2", ""),
        marks=("train/n01440764", "train/n03888257", "val/n01440764"),
        absent=("train/n01443537",),
        archive=True,
        read=imagenette,
    ),
    PublishedSet(
        key="imagenet",
        title="ImageNet (ILSVRC 2012)",
        summary="Photographs of a thousand kinds of things, named by their WordNet numbers.",
        classes=1_000,
        train=1_281_167,
        test=50_000,
        split=VAL_IS_TEST,
        made_by="Olga Russakovsky, Jia Deng and others (2015).",
        license="For non-commercial research and education, after registration.",
        source="https://www.image-net.org/challenges/LSVRC/2012/",
        paper="https://arxiv.org/abs/1409.0575",
        megabytes=0,
        by_hand="Register at image-net.org, download the images, and sort them into "
        "train/<class>/ and val/<class>/, as torchvision's ImageNet does.",
        torchvision="ImageNet",
        bases=("", "ILSVRC/Data/CLS-LOC"),
        marks=("train/n01440764", "train/n01443537", "train/n15075141", "val/n15075141"),
        read=class_folders({"train": "train", "val": "test"}),
    ),
    PublishedSet(
        key="caltech101",
        title="Caltech 101",
        summary="Pictures of 101 kinds of things, about 300 x 200 pixels, without the folder of "
        "backgrounds.",
        classes=101,
        train=8_677,
        split=DRAWN,
        made_by="Fei-Fei Li, Marco Andreetto, Marc'Aurelio Ranzato and Pietro Perona (2004).",
        license="CC BY 4.0.",
        source="https://data.caltech.edu/records/mzrjq-6wc02",
        paper="https://doi.org/10.1109/CVPR.2004.383",
        megabytes=137,
        torchvision="Caltech101",
        bases=("caltech101/101_ObjectCategories", "101_ObjectCategories", ""),
        marks=("BACKGROUND_Google", "accordion", "yin_yang"),
        read=class_folders({"": "train"}, without=("BACKGROUND_Google",)),
    ),
    PublishedSet(
        key="caltech256",
        title="Caltech 256",
        summary="Pictures of 256 kinds of things, and a class of clutter.",
        classes=257,
        train=30_607,
        split=DRAWN,
        made_by="Gregory Griffin, Alex Holub and Pietro Perona (2007).",
        license="CC BY 4.0.",
        source="https://data.caltech.edu/records/nyy15-4j048",
        megabytes=1_183,
        torchvision="Caltech256",
        bases=("caltech256/256_ObjectCategories", "256_ObjectCategories", ""),
        marks=("001.ak47", "257.clutter"),
        archive=True,
        read=class_folders({"": "train"}),
    ),
]
