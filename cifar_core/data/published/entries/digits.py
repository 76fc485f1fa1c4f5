"""Published sets of handwritten or photographed digits and letters."""

import string
from typing import Any

from cifar_core.data.published import arrays
from cifar_core.data.published.published_set import DRAWN, UNSTATED, PublishedSet
from cifar_core.data.published.readers import class_folders

DIGITS = tuple(string.digits)
MERGED = tuple(string.digits + string.ascii_uppercase + "abdefghnqrt")
BOTH_PARTS = ({"train": True}, {"train": False})
IDX = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
NIST = "Gregory Cohen and others (2017), from the handwriting of NIST Special Database 19."


def like_mnist(key: str, title: str, name: str, **fields: Any) -> PublishedSet:
    """Return the entry of a set in the files of MNIST."""
    return PublishedSet(
        key=key,
        title=title,
        classes=10,
        train=60_000,
        test=10_000,
        torchvision=name,
        calls=({},),
        bases=(f"{name}/raw",),
        marks=IDX,
        open=arrays.idx(),
        **fields,
    )


def emnist(
    key: str, split: str, summary: str, *, train: int, test: int, names: tuple[str, ...]
) -> PublishedSet:
    """Return the entry of one of the six parts of EMNIST, which share their files."""
    files = [f"emnist-{split}-{part}-{what}-ubyte" for part in ("train", "test")
             for what in ("images-idx3", "labels-idx1")]  # fmt: skip
    return PublishedSet(
        key=key,
        title=f"EMNIST {split}",
        summary=summary,
        classes=len(names),
        train=train,
        test=test,
        made_by=NIST,
        license=UNSTATED,
        source="https://www.nist.gov/itl/products-and-services/emnist-dataset",
        paper="https://arxiv.org/abs/1702.05373",
        megabytes=562,
        torchvision="EMNIST",
        calls=({"split": split},),
        bases=("EMNIST/raw", ""),
        marks=tuple(files),
        place="emnist",
        own_names=names,
        open=arrays.idx(prefix=f"emnist-{split}", transposed=True, first=split == "letters"),
    )


SPECS = [
    like_mnist(
        "mnist",
        "MNIST",
        "MNIST",
        summary="Handwritten digits, 28 x 28 pixels, gray.",
        made_by="Yann LeCun, Corinna Cortes and Christopher Burges (1998).",
        license=UNSTATED,
        source="https://yann.lecun.org/exdb/mnist/index.html",
        paper="https://doi.org/10.1109/5.726791",
        megabytes=11.6,
        own_names=DIGITS,
    ),
    like_mnist(
        "fashion_mnist",
        "Fashion-MNIST",
        "FashionMNIST",
        summary="Clothes from a catalog, 28 x 28 pixels, gray; the same sizes as MNIST.",
        made_by="Zalando Research (2017).",
        license="MIT license.",
        source="https://github.com/zalandoresearch/fashion-mnist",
        paper="https://arxiv.org/abs/1708.07747",
        megabytes=30.9,
    ),
    like_mnist(
        "kmnist",
        "Kuzushiji-MNIST",
        "KMNIST",
        summary="Ten handwritten Japanese characters of old books, 28 x 28 pixels, gray.",
        made_by="Tarin Clanuwat and others (2018).",
        license="CC BY-SA 4.0.",
        source="https://github.com/rois-codh/kmnist",
        paper="https://arxiv.org/abs/1812.01718",
        megabytes=21.2,
    ),
    emnist(
        "emnist",
        "balanced",
        "Handwritten digits and letters, as many of each; letters that look alike in both cases "
        "are one class.",
        train=112_800,
        test=18_800,
        names=MERGED,
    ),
    emnist(
        "emnist_letters",
        "letters",
        "Handwritten letters, with both cases of a letter in one class.",
        train=124_800,
        test=20_800,
        names=tuple(string.ascii_lowercase),
    ),
    emnist(
        "emnist_digits",
        "digits",
        "Handwritten digits, four times as many as MNIST.",
        train=240_000,
        test=40_000,
        names=DIGITS,
    ),
    emnist(
        "emnist_mnist",
        "mnist",
        "Handwritten digits, as many as MNIST, from the forms of EMNIST.",
        train=60_000,
        test=10_000,
        names=DIGITS,
    ),
    emnist(
        "emnist_bymerge",
        "bymerge",
        "All handwritten digits and letters of the forms, with classes of very different sizes; "
        "letters that look alike in both cases are one class.",
        train=697_932,
        test=116_323,
        names=MERGED,
    ),
    emnist(
        "emnist_byclass",
        "byclass",
        "All handwritten digits and letters of the forms, with classes of very different sizes.",
        train=697_932,
        test=116_323,
        names=tuple(string.digits + string.ascii_uppercase + string.ascii_lowercase),
    ),
    PublishedSet(
        key="qmnist",
        title="QMNIST",
        summary="MNIST made again from its sources, with 60,000 test images.",
        classes=10,
        train=60_000,
        test=60_000,
        made_by="Chhavi Yadav and L\u00e9on Bottou (2019).",
        source="https://github.com/facebookresearch/qmnist",
        paper="https://arxiv.org/abs/1905.10498",
        megabytes=20.4,
        torchvision="QMNIST",
        calls=({"what": "train"}, {"what": "test"}),
        bases=("QMNIST/raw", ""),
        marks=(
            *("qmnist-train-images-idx3-ubyte", "qmnist-train-labels-idx2-int"),
            *("qmnist-test-images-idx3-ubyte", "qmnist-test-labels-idx2-int"),
        ),
        own_names=DIGITS,
        open=arrays.idx(),
    ),
    PublishedSet(
        key="usps",
        title="USPS",
        summary="Digits from envelopes of the US postal service, 16 x 16 pixels, gray.",
        classes=10,
        train=7_291,
        test=2_007,
        made_by="Jonathan Hull (1994).",
        license=UNSTATED,
        source="https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
        paper="https://doi.org/10.1109/34.291440",
        megabytes=8.4,
        torchvision="USPS",
        calls=BOTH_PARTS,
        bases=("",),
        marks=("usps.bz2", "usps.t.bz2"),
        own_names=DIGITS,
        read=arrays.usps,
    ),
    PublishedSet(
        key="svhn",
        title="SVHN",
        summary="House numbers in photographs of streets, 32 x 32 pixels, cut to one digit.",
        classes=10,
        train=73_257,
        test=26_032,
        made_by="Yuval Netzer and others (2011).",
        license="For non-commercial use only.",
        source="http://ufldl.stanford.edu/housenumbers/",
        paper="http://ufldl.stanford.edu/housenumbers/nips2011_housenumbers.pdf",
        megabytes=246,
        torchvision="SVHN",
        calls=({"split": "train"}, {"split": "test"}),
        bases=("",),
        marks=("train_32x32.mat", "test_32x32.mat"),
        own_names=DIGITS,
        open=arrays.svhn,
    ),
    PublishedSet(
        key="semeion",
        title="Semeion",
        summary="Handwritten digits of about 80 people, 16 x 16 pixels, black and white.",
        classes=10,
        train=1_593,
        split=DRAWN,
        made_by="Semeion Research Center, Rome (1994).",
        license="CC BY 4.0.",
        source="https://archive.ics.uci.edu/dataset/178/semeion+handwritten+digit",
        megabytes=2.9,
        torchvision="SEMEION",
        bases=("",),
        marks=("semeion.data",),
        own_names=DIGITS,
        read=arrays.semeion,
    ),
    PublishedSet(
        key="omniglot",
        title="Omniglot, background set",
        summary="Characters of 30 alphabets, each drawn by 20 people, 105 x 105 pixels.",
        classes=964,
        train=19_280,
        split=DRAWN,
        made_by="Brenden Lake and others (2015).",
        license="MIT license.",
        source="https://github.com/brendenlake/omniglot",
        paper="https://doi.org/10.1126/science.aab3050",
        megabytes=9.5,
        torchvision="Omniglot",
        calls=({"background": True},),
        bases=("omniglot-py/images_background", "images_background"),
        marks=("Alphabet_of_the_Magi/character01", "Tifinagh/character01"),
        archive=True,
        read=class_folders({"": "train"}, depth=2),
    ),
]
