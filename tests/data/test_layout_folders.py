"""Folders in many arrangements: which parts and classes they mean, or one sentence why none."""

import os
import unicodedata

import pytest
from shapes import PNG, counts, each, make, of_class, opened, text

from cifar_core.data.contents import PARTS
from cifar_core.errors import DataError

CATS = ("cat", "dog")
FLAT = {"train": 8, "test": 2}
BOTH = {"train": 10, "test": 10}
ALL = {"train": 10, "val": 10, "test": 10}
WITH_VAL = {"train": 8, "val": 10, "test": 2}


@pytest.mark.parametrize(
    ("folders", "wanted"),
    [
        (["{cat,dog}"], FLAT),
        (["images/{cat,dog}"], FLAT),
        (["my set/data/raw/{cat,dog}"], FLAT),
        (["train/{cat,dog}"], FLAT),
        (["{train,test}/{cat,dog}"], BOTH),
        (["{Train,TEST}/{cat,dog}"], BOTH),
        (["{training,testing}/{cat,dog}"], BOTH),
        (["{trn,tst}/{cat,dog}"], BOTH),
        (["{train,val}/{cat,dog}"], WITH_VAL),
        (["{train,valid}/{cat,dog}"], WITH_VAL),
        (["{train,Validation}/{cat,dog}"], WITH_VAL),
        (["{train,dev}/{cat,dog}"], WITH_VAL),
        (["{train,eval}/{cat,dog}"], WITH_VAL),
        (["{train,val,test}/{cat,dog}"], ALL),
        (["{train,dev,holdout}/{cat,dog}"], ALL),
        (["dataset/animals/{train,test}/{cat,dog}"], BOTH),
        (["images/{train,val,test}/{cat,dog}"], ALL),
        (["{train,val,test}/images/{cat,dog}"], ALL),
        (["{cat,dog}/{train,val,test}"], ALL),
        (["pets/{cat,dog}/{train,test}"], BOTH),
        (["{train_set,test_set}/{cat,dog}"], BOTH),
        (["{train2017,val2017}/{cat,dog}"], WITH_VAL),
        (["{Training Data,Test Data}/{cat,dog}"], BOTH),
        (["seg_train/seg_train/{cat,dog}", "seg_test/seg_test/{cat,dog}"], BOTH),
        (["training_set/training_set/{cat,dog}", "test_set/test_set/{cat,dog}"], BOTH),
        (["{pets_train,pets_test}/{cat,dog}"], BOTH),
        (["{train,test}/{cat,dog}/2021"], BOTH),
        (["train/{cat,dog}/{2020,2021}", "test/{cat,dog}"], {"train": 20, "test": 10}),
        (["{train,test}/animals/{cat,dog}"], BOTH),
    ],
    ids=str,
)
def test_parts_and_classes_are_found_in_the_folders(tmp_path, folders, wanted):
    found = opened(make(tmp_path / "set", each(folders)))
    assert found.classes == CATS
    assert counts(found) == wanted
    assert all(item.label in item.name for item in found.items)


@pytest.mark.parametrize(
    ("folders", "classes", "wanted"),
    [
        (["{train,test}/{train,ship}"], ("ship", "train"), BOTH),
        (["{train,truck,ship}"], ("ship", "train", "truck"), {"train": 12, "test": 3}),
        (["{train,test}/{.NET,java}"], (".NET", "java"), BOTH),
        (["{train,test}/{0,1,2,10}"], ("0", "1", "2", "10"), {"train": 20, "test": 20}),
        (["{01,1,a}"], ("01", "1", "a"), {"train": 12, "test": 3}),
        (["{tr,en,te}"], ("en", "te", "tr"), {"train": 12, "test": 3}),
        (['{a cat,🐸 frog,O\'Neil "q",A_<b>x,日本 猫}'], None, {"train": 20, "test": 5}),
        (["{Ärger,ärmel}"], ("Ärger", "ärmel"), FLAT),
        (["{test tube,training shoes}"], ("test tube", "training shoes"), FLAT),
    ],
    ids=str,
)
def test_classes_may_have_any_name(tmp_path, folders, classes, wanted):
    found = opened(make(tmp_path / "set", each(folders)))
    assert classes is None or found.classes == classes
    assert counts(found) == wanted


def test_items_are_ordered_by_part_class_and_name(tmp_path):
    found = opened(make(tmp_path / "set", each(["{test,val,train}/{10,9}"], 2)))
    key = [(PARTS.index(i.part), int(i.label), i.name) for i in found.items]
    assert key == sorted(key)
    assert len({item.name for item in found.items}) == len(found.items)


def test_the_bytes_of_exactly_the_wanted_pictures_are_given(tmp_path):
    files = {f"{label}/{i}.png": PNG + f"{label}{i}".encode() for label in CATS for i in range(3)}
    found = opened(make(tmp_path / "set", files))
    for wanted in (set(), {1, 4}, set(range(6))):
        given = dict(found.pictures(wanted))
        assert given == {i: files[found.items[i].name] for i in wanted}


def test_a_set_of_cifar_10_keeps_the_order_by_which_its_fingerprint_was_made(tmp_path):
    found = opened(make(tmp_path / "set", each(["{test,train}/{truck,cat}"], 12)))
    names = [item.name for item in found.items if item.part == "train"]
    assert names == [
        f"train/{c}/{f}.png" for c in ("cat", "truck") for f in sorted(map(str, range(12)))
    ]


def test_folders_beside_the_parts_and_pictures_outside_are_left_out_and_counted(tmp_path):
    more = ["docs/a.png", "results/b.png", "train/cover.png", "logo.png"]
    found = opened(make(tmp_path / "set", each(["{train,test}/{cat,dog}"]), more))
    assert (found.classes, counts(found)) == (CATS, BOTH)
    assert {name for one in found.ignored for name in one.names} == set(more)
    assert "Left out were files that lie" in text(found)


@pytest.mark.parametrize(
    ("folders", "wanted", "beside"),
    [
        (["{Train,test}/{cat,dog}", "extra/{cat,dog}"], BOTH, 10),
        (["{Train,test}/{cat,dog}", "extra/{cat,dog}/{a,b,c}"], BOTH, 30),
        (["train/{cat,dog}", "unlabeled"], FLAT, 5),
        (["train/{cat,dog}", "{test,unlabeled}"], FLAT, 5),
    ],
)
def test_a_further_folder_beside_the_parts_never_makes_them_classes(
    tmp_path, folders, wanted, beside
):
    found = opened(make(tmp_path / "set", each(folders)))
    assert (found.classes, counts(found)) == (CATS, wanted)
    left = {one.why: len(one.names) for one in found.ignored}
    assert left["lie beside the folders of the parts"] == beside


@pytest.mark.parametrize(
    "folders",
    [
        ["{train,bus,car}"],
        ["train/{steam,diesel}", "{bus,car,plane}"],
        ["{train,bus}/{old,new}"],
        ["{good,bad,test}"],
    ],
)
def test_a_class_may_be_called_like_a_part(tmp_path, folders):
    found = opened(make(tmp_path / "set", each(folders)))
    assert {"train", "test"} & set(found.classes)


def test_pictures_without_a_class_in_test_are_no_test_images(tmp_path):
    found = opened(make(tmp_path / "set", each(["train/{cat,dog}", "test"])))
    assert counts(found) == FLAT
    assert found.ignored[0].names == tuple(f"test/{i}.png" for i in range(5))


def test_names_that_differ_in_capitals_are_one_class(tmp_path):
    found = opened(make(tmp_path / "set", each(["train/{cat,ship}", "test/{Cat,SHIP}"])))
    assert (found.classes, counts(found)) == (("cat", "ship"), BOTH)
    assert "Cat and cat, SHIP and ship" in text(found)


def test_two_spellings_in_one_part_stay_two_classes(tmp_path):
    found = opened(make(tmp_path / "set", each(["{train,test}/{cat,Cat}"])))
    assert found.classes == ("Cat", "cat")


def test_names_in_two_unicode_forms_are_one_class(tmp_path):
    short, long = (unicodedata.normalize(form, "fée") for form in ("NFC", "NFD"))
    found = opened(make(tmp_path / "set", each([f"train/{{{short},dog}}", f"test/{{{long},dog}}"])))
    assert found.classes == ("dog", short)
    assert of_class(found, short) == {"train": 5, "test": 5}
    assert len(dict(found.pictures(set(range(20))))) == 20


def test_names_of_older_systems_are_shown_readable(tmp_path):
    old = os.fsdecode(b"f\xe9e")
    make(tmp_path / "set", each([f"{{train,test}}/{{dog,{old}}}"]))
    found = opened(tmp_path / "set")
    assert found.classes == ("dog", "fée")
    assert len(dict(found.pictures(set(range(20))))) == 20


def test_a_class_without_test_images_gets_some_of_its_training_images(tmp_path):
    found = opened(make(tmp_path / "set", each(["{train,test}/{cat,dog}", "train/emu"])))
    assert of_class(found, "emu") == {"train": 4, "test": 1}
    assert of_class(found, "cat") == {"train": 5, "test": 5}
    assert "The class emu has no test images: 20" in text(found)


def test_a_class_without_training_images_is_left_out(tmp_path):
    found = opened(make(tmp_path / "set", each(["{train,test}/{cat,dog}", "test/emu"])))
    assert (found.classes, counts(found)) == (CATS, BOTH)
    assert "The class emu has no training images: 5 images of it" in text(found)
    assert found.ignored[0].why == "are of classes without training images"


@pytest.mark.parametrize("folders", [["train/{cat,dog}", "test/{cat,dog}"], ["{cat,dog}"]])
def test_empty_folders_of_classes_are_named(tmp_path, folders):
    top = "train/" if "train" in folders[0] else ""
    found = opened(make(tmp_path / "set", each(folders), {f"{top}emu/": b""}))
    assert found.classes == CATS
    assert "The folder emu has no pictures and is not a class." in found.said


LITTER = (
    *(".DS_Store", "train/Thumbs.db", "train/cat/Thumbs.DB", "train/cat/ehthumbs.db"),
    *("train/cat/._0.png", "__MACOSX/train/cat/._0.png", "train/cat/desktop.ini"),
    *("train/.ipynb_checkpoints/0.png", "train/cat/.ipynb_checkpoints/0-checkpoint.png"),
    *("@eaDir/train/cat/0.png", ".cache/0.png", ".git/objects/0.png", "lost+found/0.png"),
    *("train/cat/.hidden.png", "README.md", "LICENSE", "train/cat/notes.txt", "train/labels.cache"),
    *("train/cat/features.npy", "train/cat/0.xml", "train/cat/film.mp4", "a.pdf", "data.yaml"),
    *("train/cat/Makefile", "train/cat/unknown", "train/cat/x.odd", "train/cat/drawing.svg"),
)


def test_foreign_files_are_left_out_and_counted(tmp_path):
    found = opened(
        make(
            tmp_path / "set", each(["{train,test}/{cat,dog}"]), dict.fromkeys(LITTER, b"some text")
        )
    )
    assert (found.classes, counts(found)) == (CATS, BOTH)
    assert {name for one in found.ignored for name in one.names} == set(LITTER)


def test_pictures_are_known_by_their_first_bytes_where_the_name_says_nothing(tmp_path):
    found = opened(make(tmp_path / "set", [f"{c}/{i}" for c in CATS for i in range(5)]))
    assert counts(found) == FLAT


def test_a_folder_of_classes_within_classes_means_the_highest_ones(tmp_path):
    found = opened(make(tmp_path / "set", each(["animals/{cat,dog}", "vehicles/{ship,truck}"])))
    assert found.classes == ("animals", "vehicles")


@pytest.mark.parametrize(
    "outer", ["pets-64,pets-224", "images,masks", "fold0,fold1,fold2", "data,copy"]
)
def test_the_same_classes_in_folders_side_by_side_are_several_sets(tmp_path, outer):
    with pytest.raises(DataError, match=r"the same folders in each of them, cat and dog"):
        opened(make(tmp_path / "set", each([f"{{{outer}}}/{{cat,dog}}"])))


@pytest.mark.parametrize("outer", ["bottle,screw", "class 1,class 2", "1,2"])
def test_classes_with_the_same_folders_inside_are_said(tmp_path, outer):
    found = opened(make(tmp_path / "set", each([f"{{{outer}}}/{{good,bad}}"])))
    assert found.classes == tuple(outer.split(","))
    assert "Each of them has the folders bad and good, whose names are not used" in text(found)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ([], ["is empty", "a folder for each class"]),
        ({f"{i}.pdf": b"%PDF" for i in range(9)}, ["but 9 PDF files (such as", "save their pages"]),
        ({"a/x.pdf": b"%PDF", "b/y.PDF": b"%PDF"}, ["2 PDF files (a/x.pdf and b/y.PDF)", "as PNG"]),
        ({"x.pdf": b"%PDF", "a.svg": b"<svg/>"}, ["2 files (a.svg and x.pdf)", "save them as PNG"]),
        ({"a.txt": b"hello"}, ["no pictures, only 1 file such as a.txt"]),
        (each(["cat"]), ["5 pictures, all in the folder cat", "one folder for each class"]),
        (each(["train/cat"]), ["one class only, cat (5)", "another class beside it"]),
        (each(["{train,test}/cat"]), ["one class only, cat (10)", "at least 2"]),
        (each(["images"]), ["all in the folder images", "nothing says their classes"]),
        (each(["{val,test}/{cat,dog}"]), ["no images for training, only test and val"]),
        (each(["test/{cat,dog}"]), ["no images for training, only test", "the classes itself"]),
        (each(["{a,b}/{train,test}/{cat,dog}"]), ["2 sets of images", "in a and b"]),
        (
            [f"{c}.{i}.jpg" for c in CATS for i in range(25)],
            ["50 of 50 file names fit the pattern {class}.{number}", "the classes cat, dog."],
        ),
        ([f"IMG_{i}.jpg" for i in range(9)], ["nothing says their classes. Sort them"]),
        ({"a.7z": b"7z", "b.rar": b"Rar!"}, ["a.7z and b.rar", "cannot be opened", "Unpack"]),
        ({"a.tar.zst": b"x"}, ["a.tar.zst, which cannot be opened here"]),
        ({**dict.fromkeys([f"{i}.jpg" for i in range(5)], PNG), "labels.csv": "a,b\n1,2\n"},
         ["labels.csv does not name them"]),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_what_is_not_a_set_is_refused_in_one_legible_sentence(tmp_path, files, words):
    folder = make(tmp_path / "set", files)
    with pytest.raises(DataError) as refused:
        opened(folder)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize(
    "files",
    [
        [*each(["{train,valid}/images"]), *each(["{train,valid}/labels"], ending="txt")],
        [*each(["images/{train,val}"]), *each(["labels/{train,val}"], ending="txt")],
        [*each(["JPEGImages"]), *each(["Annotations"], ending="xml")],
        [*each(["train"]), *each(["train"], ending="xml")],
        [*each(["{train,valid}"]), "train/_annotations.coco.json", "data.yaml"],
    ],
    ids=str,
)
def test_labels_for_detection_are_named_as_such(tmp_path, files):
    with pytest.raises(DataError, match="labels for object detection: boxes"):
        opened(make(tmp_path / "set", files))


def test_boxes_beside_class_folders_do_no_harm(tmp_path):
    found = opened(make(tmp_path / "set", each(["{cat,dog}"]), each(["{cat,dog}"], ending="xml")))
    assert counts(found) == FLAT


def test_too_many_classes_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"1,001 classes, but at most 1,000"):
        opened(make(tmp_path / "set", each([f"c{i}" for i in range(1001)], 1)))


def test_links_are_followed_but_never_in_a_circle(tmp_path):
    make(tmp_path / "real", each(["{train,test}/{cat,dog}"]))
    top = tmp_path / "set"
    for part in ("train", "test"):
        (top / part).mkdir(parents=True)
        for label in CATS:
            (top / part / label).symlink_to(tmp_path / "real" / part / label)
    (top / "train" / "cat" / "loop").symlink_to("..")
    (top / "again").symlink_to(".")
    (top / "train" / "gone.png").symlink_to("/nowhere/x.png")
    (top / "me").symlink_to("me")
    found = opened(top)
    assert (found.classes, counts(found)) == (CATS, BOTH)
    reasons = {name: one.why for one in found.ignored for name in one.names}
    assert reasons["again"] == reasons["train/cat/loop"] == "are links to a folder that they lie in"
    assert reasons["train/gone.png"] == reasons["me"] == "are links to files that do not exist"


def test_folders_of_links_to_each_other_are_walked_in_bounded_time(tmp_path):
    for level in range(20):
        (tmp_path / "set" / f"{level}").mkdir(parents=True)
    for level in range(19):
        for name in ("a", "b"):
            (tmp_path / "set" / f"{level}" / name).symlink_to(f"../{level + 1}")
    make(tmp_path / "set", ["19/x.png", "18/y.png"])
    assert opened(tmp_path / "set").items


def test_a_set_of_links_to_another_one_beside_it_is_not_counted_twice(tmp_path):
    make(tmp_path / "set" / "real", each(["{train,test}/{cat,dog}"]))
    (tmp_path / "set" / "links").symlink_to(tmp_path / "set" / "real")
    found = opened(tmp_path / "set")
    assert counts(found) == BOTH
    assert "that are links to pictures that are in the set already (20)" in text(found)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_left_out(tmp_path):
    folder = make(tmp_path / "set", each(["{train,test}/{cat,dog}"]))
    (folder / "train/cat/0.png").chmod(0)
    (folder / "train/dog").chmod(0)
    found = opened(folder)
    assert {name for one in found.ignored for name in one.names} == {"train/cat/0.png", "train/dog"}


def test_control_characters_in_names_are_shown_as_question_marks(tmp_path):
    found = opened(make(tmp_path / "set", each(["ca\nt", "dog"])))
    assert found.classes == ("ca?t", "dog")
    assert len(dict(found.pictures(set(range(10))))) == 10


def test_backslashes_are_folders(tmp_path):
    files = [
        f"{part}\\{label}\\{i}.png"
        for part in ("train", "test")
        for label in CATS
        for i in range(5)
    ]
    assert counts(opened(make(tmp_path / "set", files))) == BOTH
