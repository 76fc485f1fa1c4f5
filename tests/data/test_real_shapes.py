"""The shapes of data sets that people really have, where their generator is beside the project."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from cifar_core import data
from cifar_core.errors import DataError

GENERATOR = Path(__file__).parents[3] / "shared" / "realworld" / "make_inputs.py"
USUAL = "cat 12/0/6, ship 12/0/6"  # class, training/validation/test images
DRAWN_TEST = "cat 10/6/2, ship 10/6/2"  # with the person's own validation images
DIGITS = "10 classes 200/0/50"
SETS = {
    "cifar100_python_folder": "100 classes 400/0/100",
    "cifar100_python_targz": "100 classes 400/0/100",
    "class_called_train": "ship 12/0/6, train 12/0/6",
    "class_names": 'A_<b>x 12/0/6, O\'Neil "q" 12/0/6, n01440764 12/0/6, Ärger 12/0/6, '
    "日本 猫 12/0/6, 🐸 frog 12/0/6",
    "classes_200": "200 classes 1000/0/400",
    "corrupt_1_of_1000": "cat 499/0/20, ship 500/0/20",
    "csv_labels": "cat 16/0/4, ship 16/0/4",
    "digits_order": "12 classes 72/0/24",
    "flat_classes": "cat 16/0/4, ship 16/0/4",
    "hf_parquet": "0 20/0/6, 1 20/0/6",
    "hidden_class_dot": ".NET 12/0/6, java 12/0/6",
    "imbalance": "cat 600/0/99, ship 10/0/3",
    "latin1_names": "cat 12/0/6, fée 12/0/6, ship 12/0/6",
    "mnist_idx_gz": DIGITS,
    "mnist_kaggle_csv": "10 classes 80/0/20",
    "mnist_npz": DIGITS,
    "mnist_png_folders": DIGITS,
    "mnist_png_train_test": "10 classes 400/0/100",
    "nested_in_class": "cat 18/0/6, ship 12/0/6",
    "npz_images": "0 10/3/3, 1 10/3/3",
    "pets_400": "cat 200/0/150, dog 200/0/150",
    "roboflow_folder": "cat 12/6/6, ship 12/6/6",
    "single_image_class": "cat 12/0/6, dog 1/0/1, ship 12/0/6",
    "six_images": "cat 3/0/2, ship 3/0/2",
    "stripes_128": "level 200/0/100, upright 200/0/100",
    "svhn_mat": "10 classes 100/0/40",
    "tar_hardlinks": "cat 13/0/6, ship 12/0/6",
    "tar_symlink_inside": "cat 13/0/6, ship 12/0/6",
    "torchvision_MNIST_raw": DIGITS,
    "train_not_test": "cat 12/0/6, dog 10/0/2, ship 12/0/6",
    "train_only": "cat 10/0/2, ship 10/0/2",
    "train_val": DRAWN_TEST,
    "train_val_test": "cat 12/6/6, ship 12/6/6",
    "train_valid": DRAWN_TEST,
    "train_validation": DRAWN_TEST,
    "twenty_images": "cat 10/0/4, ship 10/0/4",
    "vehicles_400": "ship 200/0/150, truck 200/0/150",
    "wide_ends": "blue_left 150/0/60, red_left 150/0/60",
    "zero_byte_1_of_1000": "cat 499/0/20, ship 500/0/20",
}
REFUSED = {
    "one_class": "pictures of one class only, cat",
    "tar_zst": "pets.tar.zst, which cannot be opened here",
    "yolo_detection": "labels for object detection",
    "zip_password_like_7z": "pets.7z and pets.rar, which cannot be opened here",
}
ONE_PICTURE_MORE = "cat 7/0/3, ship 6/0/3"
NOT_PICTURES = {"pdf", "svg"}
BROKEN = {  # one of 19, which is more than 1 %
    "git_lfs_pointer": "is a Git LFS pointer",
    "html_named_jpg": "is a web page, not a picture",
    "jpg_cut_half": "damaged or cut short",
    "png_bad_crc": "damaged or cut short",
    "zero_byte": "is empty",
}

pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason="their generator is not here")


@pytest.fixture(scope="module")
def generator():
    spec = importlib.util.spec_from_file_location("make_inputs", GENERATOR)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def opened(path, store):
    """Return the classes of a set with the numbers of their images, as a text."""
    dataset = data.load(data.resolve(str(path), store), store)
    kept_back = dataset.train.kept_back
    val = np.zeros(0, np.int64) if kept_back is None else dataset.train.labels[kept_back]
    parts = dataset.train.labels, val, dataset.test.labels
    train, val, test = (np.bincount(labels, minlength=len(dataset.classes)) for labels in parts)
    counts = list(zip(dataset.classes, train - val, val, test, strict=True))
    if len(counts) > 6:
        return f"{len(counts)} classes {(train - val).sum()}/{val.sum()}/{test.sum()}"
    return ", ".join(f"{name} {a}/{b}/{c}" for name, a, b, c in counts)


def test_every_shape_is_the_right_set_or_one_legible_sentence(generator, tmp_path):
    wrong = {}
    for name, make in generator.CASES.items():
        folder = tmp_path / name
        folder.mkdir()
        try:
            make(folder)
        except ImportError:  # of a package that only the generator needs
            continue
        path = folder / "d" if name.startswith("symlinked") else folder
        try:
            found = opened(path, tmp_path / "store")
        except DataError as error:
            found = str(error)
        wanted = REFUSED.get(name) or SETS.get(name, USUAL)
        if (wanted not in found) if name in REFUSED else (wanted != found):
            wrong[name] = found
    assert len(list(tmp_path.iterdir())) > 60
    assert wrong == {}


def test_every_kind_of_picture_is_read_or_named(generator, tmp_path):
    wrong = {}
    for name, (ending, picture) in generator.kinds().items():
        folder = tmp_path / name
        generator.basic(folder, n=6, m=3)
        (folder / "train/cat" / (f"x.{ending}" if ending else "x")).write_bytes(picture)
        wanted = "cat 6/0/3, ship 6/0/3" if name in NOT_PICTURES else ONE_PICTURE_MORE
        try:
            found = opened(folder, tmp_path / "store")
            is_right = found == wanted and name not in BROKEN
        except DataError as error:
            found = str(error)
            is_right = name in BROKEN and BROKEN[name] in found
        if not is_right:
            wrong[name] = found
    assert wrong == {}
