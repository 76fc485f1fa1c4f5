"""Tiny copies of published sets, laid out as torchvision unpacks them below its root.

Every image is of one color of its own, so that it can be followed through any reader.
"""

import bz2
import csv
import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat


class Colors:
    """Gives every image its own color."""

    def __init__(self):
        self.numbers = count(1)

    def next(self):
        number = next(self.numbers)
        return (number % 8 * 32, number // 8 % 8 * 32, number // 64 * 32)

    def image(self, path: Path, size=(8, 8), mode="RGB"):
        path.parent.mkdir(parents=True, exist_ok=True)
        file_format = {"jpg": "PNG", "ppm": "PPM"}.get(path.suffix[1:].lower(), "PNG")
        color = self.next() if mode == "RGB" else next(self.numbers)
        Image.new(mode, size, color).save(path, file_format)  # no loss, whatever its name


@dataclass
class Fake:
    """How a set is made, and with which arguments torchvision reads each part of it."""

    make: Callable[[Path, Colors], None]
    parts: dict[str, dict] = field(default_factory=lambda: {"train": {}})
    classes: tuple[str, ...] = ()


def lines(path: Path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))


def food101(root, colors):
    base = root / "food-101"
    for part, numbers in (("train", (1, 2, 3)), ("test", (4,))):
        table = {c: [f"{c}/{n}" for n in numbers] for c in ("waffles", "apple_pie")}
        (base / "meta").mkdir(parents=True, exist_ok=True)
        (base / "meta" / f"{part}.json").write_text(json.dumps(table))
        for names in table.values():
            for name in names:
                colors.image(base / "images" / f"{name}.jpg")


def dtd(root, colors):
    base = root / "dtd" / "dtd"
    for place, part in enumerate(("train", "val", "test")):
        names = [f"{c}/{c}_{place}{n}.jpg" for c in ("banded", "zigzagged") for n in range(2)]
        lines(base / "labels" / f"{part}1.txt", names)
        for name in names:
            colors.image(base / "images" / name)


def pets(root, colors):
    base = root / "oxford-iiit-pet"
    for part, number in (("trainval", 1), ("test", 2)):
        rows = [("Abyssinian", 1, 1), ("great_pyrenees", 2, 2), ("yorkshire_terrier", 3, 2)]
        lines(base / "annotations" / f"{part}.txt",
              [f"{name}_{number} {label} {kind} 1" for name, label, kind in rows])  # fmt: skip
        for name, *_ in rows:
            colors.image(base / "images" / f"{name}_{number}.jpg")


def aircraft(root, colors):
    base = root / "fgvc-aircraft-2013b" / "data"
    lines(base / "variants.txt", ["707-320", "Boeing 717", "Cessna 172"])
    for place, part in enumerate(("train", "val", "test")):
        rows = [f"{place}00{n} {label}" for n, label in enumerate(("Cessna 172", "707-320"))]
        lines(base / f"images_variant_{part}.txt", rows)
        for row in rows:
            colors.image(base / "images" / f"{row.split()[0]}.jpg")


def flowers(root, colors):
    base = root / "flowers-102"
    base.mkdir()
    savemat(base / "imagelabels.mat", {"labels": np.array([[1, 77, 77, 1, 77, 1]])})
    savemat(base / "setid.mat", {"trnid": [[1, 2]], "valid": [[4, 5]], "tstid": [[3, 6]]})
    for number in range(1, 7):
        colors.image(base / "jpg" / f"image_{number:05d}.jpg")


def gtsrb(root, colors):
    base = root / "gtsrb"
    for label in (0, 1):
        for track in range(2):
            for frame in range(2):
                colors.image(
                    base / f"GTSRB/Training/{label:05}/{track:05}_{frame:05}.ppm"
                )  # fmt: skip
    lines(base / "GT-final_test.csv",
          ["Filename;Width;Height;ClassId", "00000.ppm;8;8;1", "00001.ppm;8;8;0"])  # fmt: skip
    for number in range(2):
        colors.image(base / "GTSRB/Final_Test/Images" / f"{number:05}.ppm")


def cars(root, colors):
    base = root / "stanford_cars"
    (base / "devkit").mkdir(parents=True)
    names = np.array(["AM General Hummer SUV 2000", "Acura RL Sedan 2012"], object)
    savemat(base / "devkit" / "cars_meta.mat", {"class_names": names})
    for part, path in (
        ("train", "devkit/cars_train_annos.mat"), ("test", "cars_test_annos_withlabels.mat"),
    ):  # fmt: skip
        kind = [("class", "O"), ("fname", "O")]
        rows = np.array([(2, f"0{part}1.jpg"), (1, f"0{part}2.jpg")], kind)
        savemat(base / path, {"annotations": rows})
        for number in (1, 2):
            colors.image(base / f"cars_{part}" / f"0{part}{number}.jpg")


def sun397(root, colors):
    base = root / "SUN397"
    lines(base / "ClassName.txt", ["/a/abbey", "/b/bakery/shop", "/y/youth_hostel"])
    for label in ("a/abbey", "b/bakery/shop"):
        for number in range(5):
            colors.image(base / label / f"sun_{label[:1]}{number}.jpg")


def places365(root, colors):
    root.mkdir(exist_ok=True)
    lines(root / "categories_places365.txt", ["/a/airfield 0", "/a/apartment_building/outdoor 1"])
    lines(root / "places365_train_standard.txt",
          ["/a/airfield/1.jpg 0", "/a/apartment_building/outdoor/1.jpg 1"])  # fmt: skip
    lines(root / "places365_val.txt", ["Places365_val_1.jpg 1", "Places365_val_2.jpg 0"])
    for name in ("a/airfield/1.jpg", "a/apartment_building/outdoor/1.jpg"):
        colors.image(root / "data_256_standard" / name)
    for number in (1, 2):
        colors.image(root / "val_256" / f"Places365_val_{number}.jpg")


def class_folders(base, labels, colors, ending=".jpg", numbers=3):
    for label in labels:
        for number in range(numbers):
            colors.image(base / label / f"{label.replace('/', '-')}_{number:04}{ending}")


def country211(root, colors):
    for part in ("train", "valid", "test"):
        class_folders(root / "country211" / part, ("AD", "ZW"), colors)


def rendered_sst2(root, colors):
    for part in ("train", "valid", "test"):
        class_folders(root / "rendered-sst2" / part, ("negative", "positive"), colors, ".png")


WNIDS = ("n01440764", "n02102040", "n03888257")


def imagenette(root, colors):
    for part in ("train", "val"):
        class_folders(root / "imagenette2-320" / part, WNIDS, colors, ".jpeg")


def imagenet(root, colors):
    for part in ("train", "val"):
        class_folders(root / part, ("n01440764", "n01443537", "n15075141"), colors, ".JPEG")


def eurosat(root, colors):
    labels = ("AnnualCrop", "HerbaceousVegetation", "SeaLake")
    class_folders(root / "eurosat" / "2750", labels, colors, numbers=5)


def caltech101(root, colors):
    base = root / "caltech101" / "101_ObjectCategories"
    for label in ("BACKGROUND_Google", "accordion", "yin_yang"):
        for number in range(1, 6):
            colors.image(base / label / f"image_{number:04}.jpg")


def caltech256(root, colors):
    base = root / "caltech256" / "256_ObjectCategories"
    for place, label in enumerate(("001.ak47", "257.clutter"), start=1):
        for number in range(1, 6):
            colors.image(base / label / f"{place:03}_{number:04}.jpg")


def omniglot(root, colors):
    base = root / "omniglot-py" / "images_background"
    for character in ("Alphabet_of_the_Magi/character01", "Tifinagh/character01"):
        for number in range(1, 6):
            colors.image(base / character / f"0001_{number:02}.png", mode="L")
    (base.parent / "images_background.zip").write_bytes(b"")


def inaturalist(root, colors):
    for version in ("2021_train_mini", "2021_valid"):
        for number in range(2):
            name = f"{number:05d}_Animalia_Annelida_Clitellata_Haplotaxida_Lumbricidae_L_t{number}"
            colors.image(root / version / name / f"{version}-{number}.jpg")


def clevr(root, colors):
    base = root / "clevr" / "CLEVR_v1.0"
    (base / "scenes").mkdir(parents=True)
    for part in ("train", "val"):
        rows = [{"image_filename": f"CLEVR_{part}_{n}.png", "objects": [{}] * (3 + 7 * n)}
                for n in range(2)]  # fmt: skip
        (base / "scenes" / f"CLEVR_{part}_scenes.json").write_text(json.dumps({"scenes": rows}))
        for row in rows:
            colors.image(base / "images" / part / row["image_filename"])


def idx(array: np.ndarray) -> bytes:
    kind = {"uint8": 8, "int32": 12}[str(array.dtype)]
    head = bytes([0, 0, kind, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


def gray(colors, amount, side=28):
    shades = np.array([next(colors.numbers) * 3 for _ in range(amount)], np.uint8)
    return np.repeat(shades, side * side).reshape(amount, side, side)


def like_mnist(name, prefix="{}", words=("train", "t10k"), labels=(4, 9), form="labels-idx1-ubyte"):
    def make(root, colors):
        base = root / name / "raw"
        base.mkdir(parents=True)
        for word in words:
            images = gray(colors, 2 * len(labels))
            images[0, 0, 1] = 251  # above the diagonal
            of = np.array(labels * 2, np.uint8)
            if "idx2" in form:
                of = np.stack([of.astype(np.int32)] * 8, axis=1)
            (base / f"{prefix.format(word)}-images-idx3-ubyte").write_bytes(idx(images))
            (base / f"{prefix.format(word)}-{form}").write_bytes(idx(of))

    return make


def usps(root, colors):
    root.mkdir(exist_ok=True)
    for name in ("usps.bz2", "usps.t.bz2"):
        rows = []
        for label in (1, 10, 1):
            value = next(colors.numbers) / 50 - 1
            rows.append(f"{label} " + " ".join(f"{i}:{value}" for i in range(1, 257)))
        (root / name).write_bytes(bz2.compress("\n".join(rows).encode()))


def semeion(root, colors):
    root.mkdir(exist_ok=True)
    rows = []
    for number in range(10):
        pixels = np.zeros(256)
        pixels[: number + 1] = 1
        rows.append(" ".join(f"{p:.4f}" for p in pixels) + " "
                    + " ".join("1" if i == number % 2 * 7 else "0" for i in range(10)))  # fmt: skip
    lines(root / "semeion.data", rows)


def svhn(root, colors):
    root.mkdir(exist_ok=True)
    for part in ("train", "test"):
        pixels = np.stack([np.full((32, 32, 3), colors.next(), np.uint8) for _ in range(4)], axis=3)
        savemat(root / f"{part}_32x32.mat", {"X": pixels, "y": np.array([[1], [10], [1], [10]])})


def stl10(root, colors):
    base = root / "stl10_binary"
    base.mkdir(parents=True)
    for part in ("train", "test"):
        color = [np.repeat(np.array(colors.next(), np.uint8), 96 * 96) for _ in range(4)]
        (base / f"{part}_X.bin").write_bytes(b"".join(one.tobytes() for one in color))
        (base / f"{part}_y.bin").write_bytes(bytes([1, 10, 1, 10]))
    (base / "unlabeled_X.bin").write_bytes(b"")
    lines(
        base / "class_names.txt",
        ["airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"],
    )


def cifar100(root, colors):
    base = root / "cifar-100-python"
    base.mkdir(parents=True)
    names = [f"thing {number:02}" for number in range(100)]
    (base / "meta").write_bytes(pickle.dumps({"fine_label_names": names}, 2))
    for part in ("train", "test"):
        data = np.stack([np.repeat(np.array(colors.next(), np.uint8), 1024) for _ in range(4)])
        values = {"data": data, "fine_labels": [3, 98, 3, 98], "coarse_labels": [0] * 4}
        (base / part).write_bytes(pickle.dumps(values, 2))


def fer2013(root, colors):
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["emotion", "pixels", "Usage"])
    for usage in ("Training", "Training", "PublicTest", "PrivateTest"):
        for emotion in (0, 6):
            table.writerow([emotion, " ".join([str(next(colors.numbers))] * 2304), usage])
    (root / "fer2013").mkdir(parents=True)
    (root / "fer2013" / "fer2013.csv").write_text(text.getvalue())


TWO = {"train": {"train": True}, "test": {"train": False}}
SPLITS = {"train": {"split": "train"}, "test": {"split": "test"}}
THREE = {**SPLITS, "val": {"split": "val"}}
ALPHABET = tuple("abcdefghijklmnopqrstuvwxyz")


def emnist(split, labels):
    make = like_mnist("EMNIST", f"emnist-{split}-{{}}", ("train", "test"), labels)
    return Fake(make, {part: {"split": split, **call} for part, call in TWO.items()})


FAKES = {
    "aircraft": Fake(aircraft, THREE, ("707-320", "Cessna 172")),
    "caltech101": Fake(caltech101, classes=("accordion", "yin_yang")),
    "caltech256": Fake(caltech256, classes=("001.ak47", "257.clutter")),
    "cars": Fake(cars, SPLITS, ("AM General Hummer SUV 2000", "Acura RL Sedan 2012")),
    "cifar100": Fake(cifar100, TWO, ("thing 03", "thing 98")),
    "clevr": Fake(clevr, {"train": {"split": "train"}, "test": {"split": "val"}}, ("3", "10")),
    "country211": Fake(country211, {**SPLITS, "val": {"split": "valid"}}, ("AD", "ZW")),
    "dtd": Fake(dtd, THREE, ("banded", "zigzagged")),
    "emnist": emnist("balanced", (10, 46)),
    "emnist_byclass": emnist("byclass", (10, 61)),
    "emnist_bymerge": emnist("bymerge", (10, 46)),
    "emnist_digits": emnist("digits", (0, 9)),
    "emnist_letters": emnist("letters", (1, 26)),
    "emnist_mnist": emnist("mnist", (0, 9)),
    "eurosat": Fake(eurosat, classes=("AnnualCrop", "HerbaceousVegetation", "SeaLake")),
    "fashion_mnist": Fake(like_mnist("FashionMNIST"), TWO, ("Coat", "Ankle boot")),
    "fer2013": Fake(fer2013, {"train": {}, "val+test": {"split": "test"}}, ("angry", "neutral")),
    "flowers102": Fake(flowers, THREE, ("pink primrose", "passion flower")),
    "food101": Fake(food101, SPLITS, ("apple_pie", "waffles")),
    "gtsrb": Fake(gtsrb, SPLITS, ("speed limit 20", "speed limit 30")),
    "imagenet": Fake(imagenet, {}, ("n01440764", "n01443537", "n15075141")),
    "imagenette": Fake(
        imagenette,
        {"train": {"size": "320px"}, "test": {"size": "320px", "split": "val"}},
        ("tench", "English springer", "parachute"),
    ),
    "inaturalist": Fake(
        inaturalist,
        {"train": {"version": "2021_train_mini"}, "test": {"version": "2021_valid"}},
    ),
    "kmnist": Fake(like_mnist("KMNIST"), TWO, ("na", "wo")),
    "mnist": Fake(like_mnist("MNIST"), TWO, ("4", "9")),
    "omniglot": Fake(
        omniglot,
    ),
    "pets": Fake(
        pets,
        {"train": {"split": "trainval"}, "test": {"split": "test"}},
        ("Abyssinian", "Great Pyrenees", "Yorkshire Terrier"),
    ),
    "places365": Fake(
        places365,
        {"train": {"small": True}, "test": {"split": "val", "small": True}},
        ("airfield", "apartment_building/outdoor"),
    ),
    "qmnist": Fake(
        like_mnist("QMNIST", "qmnist-{}", ("train", "test"), form="labels-idx2-int"),
        {"train": {"what": "train"}, "test": {"what": "test"}},
        ("4", "9"),
    ),
    "rendered_sst2": Fake(rendered_sst2, THREE, ("negative", "positive")),
    "semeion": Fake(semeion, {"train": {"download": False}}, ("0", "7")),
    "stl10": Fake(stl10, SPLITS, ("airplane", "truck")),
    "sun397": Fake(sun397, classes=("abbey", "bakery/shop")),
    "svhn": Fake(svhn, SPLITS, ("0", "1")),
    "usps": Fake(usps, TWO, ("0", "9")),
}


def make(key: str, root: Path) -> Path:
    """Make the copy of a set in a folder, and return that."""
    root.mkdir(parents=True, exist_ok=True)
    FAKES[key].make(root, Colors())
    return root


MNIST_FILES = (
    *("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    *("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
QMNIST_FILES = (
    *("train-images-idx3-ubyte", "train-labels-idx2-int"),
    *("test-images-idx3-ubyte", "test-labels-idx2-int"),
)
DOWNLOADS = {  # the files on the servers: the folder below the root, and what of it is in them
    "aircraft": {"fgvc-aircraft-2013b.tar.gz": ("", ["fgvc-aircraft-2013b"])},
    "caltech101": {"caltech-101.zip": ("caltech101", ["101_ObjectCategories"])},
    "caltech256": {"256_ObjectCategories.tar": ("caltech256", ["256_ObjectCategories"])},
    "cifar100": {"cifar-100-python.tar.gz": ("", ["cifar-100-python"])},
    "clevr": {"CLEVR_v1.0.zip": ("clevr", ["CLEVR_v1.0"])},
    "country211": {"country211.tgz": ("", ["country211"])},
    "dtd": {"dtd-r1.0.1.tar.gz": ("dtd", ["dtd"])},
    "emnist_digits": {"gzip.zip": ("EMNIST/raw", ["."])},
    "eurosat": {"EuroSAT.zip": ("eurosat", ["2750"])},
    "fashion_mnist": {f"{name}.gz": ("FashionMNIST/raw", [name]) for name in MNIST_FILES},
    "flowers102": {
        "102flowers.tgz": ("flowers-102", ["jpg"]),
        "imagelabels.mat": ("flowers-102", ["imagelabels.mat"]),
        "setid.mat": ("flowers-102", ["setid.mat"]),
    },
    "food101": {"food-101.tar.gz": ("", ["food-101"])},
    "gtsrb": {
        "GTSRB-Training_fixed.zip": ("gtsrb", ["GTSRB/Training"]),
        "GTSRB_Final_Test_Images.zip": ("gtsrb", ["GTSRB/Final_Test"]),
        "GTSRB_Final_Test_GT.zip": ("gtsrb", ["GT-final_test.csv"]),
    },
    "imagenette": {"imagenette2-320.tgz": ("", ["imagenette2-320"])},
    "mnist": {f"{name}.gz": ("MNIST/raw", [name]) for name in MNIST_FILES},
    "omniglot": {"images_background.zip": ("omniglot-py", ["images_background"])},
    "pets": {
        "images.tar.gz": ("oxford-iiit-pet", ["images"]),
        "annotations.tar.gz": ("oxford-iiit-pet", ["annotations"]),
    },
    "qmnist": {f"qmnist-{n}.gz": ("QMNIST/raw", [f"qmnist-{n}"]) for n in QMNIST_FILES},
    "rendered_sst2": {"rendered-sst2.tgz": ("", ["rendered-sst2"])},
    "semeion": {"semeion.data": ("", ["semeion.data"])},
    "stl10": {"stl10_binary.tar.gz": ("", ["stl10_binary"])},
    "sun397": {"SUN397.tar.gz": ("", ["SUN397"])},
    "svhn": {name: ("", [name]) for name in ("train_32x32.mat", "test_32x32.mat")},
    "usps": {name: ("", [name]) for name in ("usps.bz2", "usps.t.bz2")},
}


def downloads(key: str, root: Path) -> dict[str, bytes]:
    """Return the files that a server has of a set whose copy is in a folder, by their names."""
    return {
        name: packed(name, root / folder, members)
        for name, (folder, members) in DOWNLOADS[key].items()
    }


def packed(name: str, folder: Path, members) -> bytes:
    """Return the archive of some files or folders, or the file itself."""
    if name == "caltech-101.zip":  # an archive of archives
        inner = packed("101_ObjectCategories.tar.gz", folder, members)
        return zipped({"caltech-101/101_ObjectCategories.tar.gz": inner})
    if name == "gzip.zip":
        return zipped(
            {f"gzip/{file.name}.gz": gzip.compress(file.read_bytes()) for file in folder.iterdir()}
        )
    roots = [folder / member for member in members]
    files = [
        file for root in roots for file in [root, *sorted(root.rglob("*"))] if file.is_file()
    ]  # fmt: skip
    if name.endswith(".zip"):
        return zipped({str(file.relative_to(folder)): file.read_bytes() for file in files})
    if name.endswith((".tgz", ".tar.gz", ".tar")):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w" if name.endswith(".tar") else "w:gz") as tar:
            for file in files:
                tar.add(file, file.relative_to(folder))
        return out.getvalue()
    data = files[0].read_bytes()
    return gzip.compress(data) if name.endswith(".gz") else data


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()
