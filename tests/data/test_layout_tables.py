"""Labels in tables and in the names of files: which columns are taken, and what cannot be."""

import json

import pytest
from shapes import PNG, counts, each, make, of_class, opened, text

from cifar_core.data.layout.labels import patterns
from cifar_core.data.layout.refusals import NoClassesError
from cifar_core.errors import DataError

CATS = ("cat", "dog")
FLAT = {"train": 8, "test": 2}
NAMES = [f"{label[0]}{i}" for label in CATS for i in range(5)]
LABEL = {name: "cat" if name[0] == "c" else "dog" for name in NAMES}
HERE = dict.fromkeys([f"{name}.png" for name in NAMES], PNG)


def lines(*rows, by=","):
    return "\n".join(by.join(map(str, row)) for row in rows)


def rows(ending=".png", folder="", label=LABEL.get):
    return [(f"{folder}{name}{ending}", label(name)) for name in NAMES]


def objects(key="file_name", label="label"):
    return [{key: file, label: value} for file, value in rows()]


NUMBERS = {"cat": 0, "dog": 1}
TABLES = {
    "filename and label": ("labels.csv", lines(("filename", "label"), *rows())),
    "Kaggle's id and breed": ("labels.csv", lines(("id", "breed"), *rows(""))),
    "semicolons": ("data.csv", lines(("image", "class"), *rows(), by=";")),
    "tabs": ("labels.tsv", lines(("path", "category"), *rows(), by="\t")),
    "tabs in a csv": ("labels.csv", lines(("path", "category"), *rows(), by="\t")),
    "bars": ("labels.csv", lines(("path", "category"), *rows(), by="|")),
    "no header": ("labels.csv", lines(*rows())),
    "a list of words": ("list.txt", lines(*rows(), by=" ")),
    "unknown names of columns": ("x.csv", lines(("a", "b"), *rows())),
    "more columns": (
        "x.csv",
        lines(("n", "width", "img", "kind"), *[(i, 9.5, f, y) for i, (f, y) in enumerate(rows())]),
    ),
    "quotes and spaces": (
        "x.csv", lines(("file", "label"), *[(f'" {f}"', f'"{y} "') for f, y in rows()]),
    ),
    "a byte order mark": ("x.csv", "\ufeff" + lines(("file", "label"), *rows())),
    "UTF-16": ("x.csv", lines(("file", "label"), *rows()).encode("utf-16")),
    "Windows' line ends": ("x.csv", lines(("file", "label"), *rows()).replace("\n", "\r\n")),
    "capitals": ("x.csv", lines(("FILE", "LABEL"), *[(f.upper(), y) for f, y in rows()])),
    "folders of another machine": ("x.csv", lines(("file", "label"), *rows(folder="/home/ana/x/"))),
    "folders of Windows": ("x.csv", lines(("file", "label"), *rows(folder="C:\\x\\"))),
    "JSON objects": ("labels.json", json.dumps(objects())),
    "JSON lines": ("metadata.jsonl", "\n".join(map(json.dumps, objects()))),
    "a JSON mapping": ("labels.json", json.dumps(dict(rows()))),
    "a JSON mapping to objects": ("labels.json", json.dumps({f: {"label": y} for f, y in rows()})),
    "a JSON mapping from classes": (
        "x.json", json.dumps({c: [f for f, y in rows() if y == c] for c in CATS}),
    ),
    "JSON pairs": ("dataset.json", json.dumps({"labels": [[f, y] for f, y in rows()]})),
    "JSON columns": (
        "x.json", json.dumps({"file": [f for f, _ in rows()], "label": [y for _, y in rows()]}),
    ),
    "JSON with objects inside": ("x.json", json.dumps({"version": 1, "images": objects()})),
    "COCO": (
        "annotations.json",
        json.dumps({
            "images": [{"id": i, "file_name": f} for i, (f, _) in enumerate(rows())],
            "annotations": [
                {"image_id": i, "category_id": NUMBERS[y]} for i, (_, y) in enumerate(rows())
            ],
            "categories": [{"id": i, "name": name} for name, i in NUMBERS.items()],
        }),
    ),
    "one column for each class": (
        "train.csv",
        lines(("image", "cat", "dog"), *[(f, int(y == "cat"), int(y == "dog")) for f, y in rows()]),
    ),
    "numbers with words beside them": (
        "x.csv", lines(("file", "label", "meaning"), *[(f, NUMBERS[y], y) for f, y in rows()]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("folder", ["", "images/", "data/all/"])
@pytest.mark.parametrize("key", TABLES)
def test_labels_are_found_in_tables_beside_or_above_the_pictures(tmp_path, key, folder):
    name, data = TABLES[key]
    found = opened(make(tmp_path / "set", {folder + f: d for f, d in HERE.items()}, {name: data}))
    assert (found.classes, counts(found)) == (CATS, FLAT)
    assert all(item.label == LABEL[item.name.rpartition("/")[2][:2]] for item in found.items)
    assert found.columns is not None
    assert found.columns.file in found.columns.names
    assert not found.ignored
    assert name in text(found)


def test_numbers_get_their_names_from_a_list_of_classes(tmp_path):
    table = lines(("file", "label"), *[(f, NUMBERS[y]) for f, y in rows()])
    for name, data in (("classes.txt", "cat\ndog\n"), ("names.json", '{"0": "cat", "1": "dog"}')):
        found = opened(make(tmp_path / name / "set", HERE, {"labels.csv": table, name: data}))
        assert found.classes == CATS
        assert f"The names of the classes come from {name}." in found.said


def test_numbers_of_class_folders_get_their_names_too(tmp_path):
    folder = make(tmp_path / "set", each(["{train,test}/{1,2}"]))
    make(folder, {"cat_to_name.json": '{"1": "fire lily", "2": "rose"}'})
    assert opened(folder).classes == ("fire lily", "rose")


def test_a_list_of_other_classes_changes_no_name(tmp_path):
    folder = make(tmp_path / "set", each(["{0,1}"]), {"classes.txt": "cat\n"})
    assert opened(folder).classes == ("0", "1")


def test_metadata_of_each_part_lies_in_its_folder(tmp_path):
    folder = tmp_path / "set"
    for part in ("train", "validation", "test"):
        data = "\n".join(map(json.dumps, objects()))
        make(folder, {f"{part}/{f}": d for f, d in HERE.items()}, {f"{part}/metadata.jsonl": data})
    found = opened(folder)
    assert counts(found) == {"train": 10, "val": 10, "test": 10}
    assert "train/metadata.jsonl and 2 more tables" in text(found) or "and 2 more" in text(found)


def test_a_table_for_each_part_as_its_name_says(tmp_path):
    pictures = {f"images/{f}": d for f, d in HERE.items()}
    table = [("path", "label"), *rows()]
    tables = {
        "train.csv": lines(*table[:4], *table[6:10]),
        "test.csv": lines(table[0], *table[4:6], table[10]),
    }
    found = opened(make(tmp_path / "set", pictures, tables))
    assert counts(found) == {"train": 7, "test": 3}


def test_a_column_of_parts_and_a_column_of_groups_are_used(tmp_path):
    table = [("file", "label", "split", "patient_id")]
    for i, (file, label) in enumerate(rows()):
        part = ("train", "valid", "test")[i % 3] if i else "training"
        table.append((file, label, part, f"p{i % 4}"))
    found = opened(make(tmp_path / "set", HERE, {"x.csv": lines(*table)}))
    assert (found.columns.part, found.columns.group) == ("split", "patient_id")
    assert counts(found) == {"train": 4, "val": 3, "test": 3}
    assert {item.group for item in found.items} == {"p0", "p1", "p2", "p3"}


def table_of(**columns):
    """A table for 60 pictures, and the pictures; each column is a function of the number."""
    rows = [[f"i{i:02d}", *(make_cell(i) for make_cell in columns.values())] for i in range(60)]
    files = dict.fromkeys([f"i{i:02d}.png" for i in range(60)], PNG)
    return files, {"x.csv": lines(("file", *columns), *rows, by=";")}


def kind(i):
    return ("Katze", "Schiff", "Lkw")[i % 3]


OTHER_COLUMNS = {
    "dates": lambda i: f"2024-01-{i % 28 + 1:02d}",
    "days of other countries": lambda i: f"{i % 28 + 1}.1.2024",
    "dates without signs": lambda i: f"202401{i % 28 + 1:02d}",
    "times": lambda i: f"{i % 2}:30",
    "fractions": lambda i: i % 2 + 0.5,
    "fractions with a comma": lambda i: f"{i % 2},5",
    "whole numbers": lambda i: i % 2,
    "numbered cameras": lambda i: f"cam{i % 2}",
    "rare notes": lambda i: "blurred" if i == 7 else "cut" if i == 9 else "",
    "long texts": lambda i: f"The animal looks {('left', 'right')[i % 2]}" + " and so on" * 6,
    "many words": lambda i: chr(65 + i % 20) * 3,
}


@pytest.mark.parametrize("name", ["x", "Tier", "Art der Sache"])
@pytest.mark.parametrize("key", OTHER_COLUMNS)
def test_the_class_is_the_column_of_few_words_that_come_often(tmp_path, key, name):
    for order in (1, -1):
        columns = dict([("z", OTHER_COLUMNS[key]), (name, kind)][::order])
        found = opened(make(tmp_path / str(order) / "set", *table_of(**columns)))
        assert (found.columns.label, found.classes) == (name, ("Katze", "Lkw", "Schiff"))


@pytest.mark.parametrize(
    "name", ["Klasse", "Etikett", "CATÉGORIE", "espèce", "Etiqueta", "specie", "Gatunek", "类别"]
)
def test_the_class_is_a_column_of_a_known_name_in_many_languages(tmp_path, name):
    columns = {"a": lambda i: ("left", "right")[i % 2], name: kind}
    found = opened(make(tmp_path / "set", *table_of(**columns)))
    assert found.columns.label == name


def test_a_column_that_describes_the_picture_is_not_the_class(tmp_path):
    columns = {"Fotografin und Ort": lambda i: ("Ana", "Bo")[i % 2], "x": kind}
    assert opened(make(tmp_path / "set", *table_of(**columns))).columns.label == "x"


def test_a_table_of_dates_and_numbers_alone_says_no_classes(tmp_path):
    columns = {"Datum": OTHER_COLUMNS["dates"], "patient": lambda i: f"p{i // 5}"}
    with pytest.raises(DataError, match="nothing says their classes"):
        opened(make(tmp_path / "set", *table_of(**columns)))


@pytest.mark.parametrize(
    "name", ["patient", "Patienten-Nr", "Proband", "Paciente", "sujets", "id_paziente", "Läsion"]
)
def test_the_group_is_known_by_its_name_in_many_languages(tmp_path, name):
    columns = {name: lambda i: f"p{i // 5}", "Datum": OTHER_COLUMNS["dates"], "Tier": kind}
    found = opened(make(tmp_path / "set", *table_of(**columns)))
    assert (found.columns.label, found.columns.group) == ("Tier", name)


def with_split(folder, *words):
    """Open a set whose table has a column of parts; the first pictures have the given words."""
    usual = ["train", "train", "val", "test"] * 3
    parts = [*words, *usual[len(words) :]]
    table = [(*row, part) for row, part in zip(rows(), parts, strict=False)]
    return opened(make(folder, HERE, {"x.csv": lines(("file", "label", "split"), *table)}))


@pytest.mark.parametrize("word", ["extra", "unlabeled"])
def test_pictures_with_another_word_for_their_part_are_left_out_and_counted(tmp_path, word):
    found = with_split(tmp_path / "set", word)
    assert found.columns.part == "split"
    assert counts(found) == {"train": 5, "val": 2, "test": 2}
    assert [(one.why, one.names) for one in found.ignored] == [
        ("have a word for their part that is none of train, val and test", ("c0.png",))
    ]


def test_pictures_without_a_word_for_their_part_are_for_training_and_said(tmp_path):
    found = with_split(tmp_path / "set", "train", "train", "", "train")
    assert counts(found) == {"train": 7, "val": 1, "test": 2}
    assert "The part is empty for 1 picture" in text(found)


def test_a_column_of_parts_that_cannot_be_used_is_said(tmp_path):
    found = with_split(tmp_path / "set", *"0001120012")
    assert found.columns.part == ""
    assert "The column split (0, 1, 2) does not say the parts" in text(found)


def test_control_characters_in_the_names_of_classes_are_shown_as_question_marks(tmp_path):
    table = lines(("file", "label"), *rows(label=lambda name: f"{LABEL[name]}\x00\x07s"))
    assert opened(make(tmp_path / "set", HERE, {"x.csv": table})).classes == ("cat??s", "dog??s")


def test_a_second_table_of_the_same_pictures_is_left_out_as_such(tmp_path):
    other = lines(("file", "label"), *rows(label=lambda name: f"not {LABEL[name]}"))
    first = lines(("file", "label"), *rows())
    found = opened(make(tmp_path / "set", HERE, {"a.csv": first, "b.csv": other}))
    assert found.classes == CATS
    assert [(one.why, one.names) for one in found.ignored] == [
        ("are tables of pictures whose classes come from elsewhere", ("b.csv",))
    ]


def test_a_table_that_could_mean_several_pictures_is_left_out_as_such(tmp_path):
    table = lines(("file", "label"), *[(f"{i}.png", "xy"[i % 2]) for i in range(5)])
    found = opened(make(tmp_path / "set", each(["{cat,dog}"]), {"labels.csv": table}))
    assert found.classes == CATS
    assert "do not name these pictures one by one" in found.ignored[0].why


def test_a_test_set_without_labels_and_an_example_of_an_answer_are_left_out(tmp_path):
    pictures = {f"train/{f}": d for f, d in HERE.items()} | {
        f"test/t{i}.png": PNG for i in range(4)
    }
    found = opened(make(tmp_path / "set", pictures, {
        "trainLabels.csv": lines(("id", "label"), *rows("")),
        "sample_submission.csv": lines(("id", "label"), *[(f"t{i}", "cat") for i in range(4)]),
    }))  # fmt: skip
    assert counts(found) == FLAT
    assert "have no row with a class in the table (4)" in text(found)


def test_the_same_names_in_train_and_test_belong_to_the_table_of_their_part(tmp_path):
    folder = make(
        tmp_path / "set", [f"{p}/{i}.png" for p in ("train", "test") for i in range(1, 7)]
    )
    table = lines(("id", "label"), *[(i, CATS[i % 2]) for i in range(1, 7)])
    found = opened(make(folder, {"trainLabels.csv": table}))
    assert {item.name.split("/")[0] for item in found.items} == {"train"}
    assert counts(found) == {"train": 4, "test": 2}


def test_a_table_for_more_pictures_goes_before_class_folders(tmp_path):
    """As in GTSRB: folders for training, a table with paths for both."""
    folder = make(tmp_path / "set", each(["Train/{0,1}"]), each(["Test"]), ["Meta/0.png"])
    head = ("Width", "ClassId", "Path")
    train = [(30 + i, c, f"Train/{c}/{i}.png") for c in (0, 1) for i in range(5)]
    test = [(31 + i, i % 2, f"Test/{i}.png") for i in range(5)]
    make(folder, {"Train.csv": lines(head, *train), "Test.csv": lines(head, *test)})
    found = opened(folder)
    assert (found.classes, counts(found)) == (("0", "1"), {"train": 10, "test": 5})
    assert found.columns.label == "ClassId"


def test_a_table_that_repeats_the_folders_changes_nothing(tmp_path):
    folder = make(tmp_path / "set", each(["{train,test}/{cat,dog}"]))
    names = [f"{p}/{c}/{i}.png" for p in ("train", "test") for c in CATS for i in range(5)]
    make(folder, {"all.csv": lines(("path", "label"), *[(n, n.split("/")[1]) for n in names])})
    found = opened(folder)
    assert counts(found) == {"train": 10, "test": 10}
    assert found.columns is None


def test_columns_that_a_person_chose_go_before_those_that_are_found(tmp_path):
    table = [
        ("file", "label", "color", "camera"),
        *[(f, y, "red" if i % 2 else "blue", i % 3) for i, (f, y) in enumerate(rows())],
    ]
    folder = make(tmp_path / "set", HERE, {"x.csv": lines(*table)})
    assert opened(folder).classes == CATS
    found = opened(folder, label_column="color", group_column="camera")
    assert found.classes == ("blue", "red")
    assert {item.group for item in found.items} == {"0", "1", "2"}
    with pytest.raises(DataError, match=r"no column called 'colour'. Did you mean 'color'\? Its"):
        opened(folder, label_column="colour")


def test_rows_without_a_picture_and_pictures_without_a_row_are_said(tmp_path):
    table = lines(("file", "label"), *rows(), ("gone.png", "cat"), ("lost.png", "dog"))
    found = opened(make(tmp_path / "set", HERE, {"x.csv": table, "more.png": PNG}))
    assert counts(found) == FLAT
    assert "2 rows name files that are not there." in found.said
    assert "(1)" in text(found) or "more.png was left out" in text(found)


@pytest.mark.parametrize(
    "table",
    [
        lines(("file", "label"), *rows(), ("c0.png", "dog")),
        lines(("file", "label"), *rows()[1:], ("c0.png", "cat|dog")),
        TABLES["one column for each class"][1].replace("c0.png,1,0", "c0.png,1,1"),
    ],
)
def test_pictures_of_several_classes_are_refused(tmp_path, table):
    with pytest.raises(DataError, match=r"1 pictures? with more than one class .* c0.png"):
        opened(make(tmp_path / "set", HERE, {"x.csv": table}))


def test_damaged_tables_are_passed_over(tmp_path):
    odd = {
        "a.json": "{", "b.json": "[" * 100_000, "c.csv": b"\0\xff\n\xfe,",
        "d.jsonl": "1\n2", "e.txt": "",
        "f.json": '{"images": 1, "annotations": 2, "categories": 3}', "g.csv": '"' + "x" * 200_000,
    }  # fmt: skip
    found = opened(make(tmp_path / "set", each(["{cat,dog}"]), odd))
    assert counts(found) == FLAT
    assert "files that are not pictures (5)" in text(found)
    assert "one by one, with a class for each (2)" in text(found)


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        ("{label}.{i}", "{class}.{number}"),
        ("{label}_{i}", "{class}_{number}"),
        ("{label}-{i}", "{class}-{number}.png"),
        ("{i}_{label}", "{number}_{class}"),
        ("{label} ({i})", "{class} ({number})"),
        ("{label}{i}", "{class}{number}"),
        ("x_{label}_{i}_b", "x_{class}_{number}_{any}"),
    ],
)
def test_classes_are_taken_from_names_by_a_pattern(tmp_path, names, pattern):
    files = [names.format(label=label, i=i) + ".png" for label in CATS for i in range(5)]
    found = opened(make(tmp_path / "set", files, ["other thing.png"]), pattern=pattern)
    assert (found.classes, counts(found)) == (CATS, FLAT)
    assert f"by the pattern {pattern}, which 10 of 11 fit" in text(found)


DAYS = [f"2024-05-{i % 28 + 1:02d}_cam{i % 3}_{i:04d}" for i in range(30)]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        ([f"{day}_{c}-a.jpg" for day in DAYS for c in ("CAT", "SHIP")], ["CAT", "SHIP"]),
        ([f"x_{i}_{c}_{i}.jpg" for i in range(9) for c in ("cat", "dog")], ["cat", "dog"]),
        ([f"{c}_{i}_left.jpg" for i in range(9) for c in ("cat", "dog")], ["cat", "dog"]),
        ([f"cam{i % 2}_{i}_{'cat' if i % 3 else 'dog'}_x.jpg" for i in range(18)], ["cat", "dog"]),
        ([f"cam{i % 2}_{i}.jpg" for i in range(18)], ["cam0", "cam1"]),
        ([f"{day}.jpg" for day in DAYS[:28]], None),
        ([f"2024-05-0{i % 2 + 1}_x_{i}.jpg" for i in range(18)], None),
        ([f"n{chr(97 + i)}_{j}.jpg" for i in range(20) for j in range(3)], None),
        ([f"train_{i}_{{a}}.jpg" for i in range(9)], None),
        ([], None),
    ],
)
def test_a_pattern_is_proposed_only_if_few_words_come_often(names, wanted):
    found = patterns.proposed(names)
    assert (found and found[2]) == wanted
    assert found is None or found[1] == len(names) == len([*patterns.labels_by(found[0], names)])


def test_the_names_in_train_suffice_for_a_proposal(tmp_path):
    files = [f"train/{c}.{i}.jpg" for c in CATS for i in range(5)]
    folder = make(tmp_path / "set", files, [f"test1/{i}.jpg" for i in range(4)])
    with pytest.raises(NoClassesError, match=r"10 of 10 file names of the training.*left out") as e:
        opened(folder)
    found = opened(folder, pattern=e.value.pattern)
    assert (found.classes, counts(found)) == (CATS, FLAT)
    assert [len(one.names) for one in found.ignored] == [4]


def test_a_pattern_may_name_the_part_and_the_group(tmp_path):
    files = [f"{p}_{c}_s{i % 3}_{i}.png" for p in ("train", "val") for c in CATS for i in range(6)]
    found = opened(make(tmp_path / "set", files), pattern="{part}_{class}_{group}_{number}")
    assert found.classes == CATS
    assert of_class(found, "cat")["val"] == 6
    parts = {item.group: set() for item in found.items}
    for item in found.items:
        parts[item.group].add(item.part) if item.part != "val" else None
    assert sorted(map(len, parts.values())) == [1, 1, 1]


@pytest.mark.parametrize(
    "pattern", ["{number}", "cat", "{klass}_{number}", "{class}{class}", "{class}" + "{any}" * 9]
)
def test_a_pattern_without_a_class_is_refused(tmp_path, pattern):
    with pytest.raises(DataError, match=r"must hold \{class\} once"):
        opened(make(tmp_path / "set", ["a_1.png"]), pattern=pattern)


def test_a_pattern_that_nothing_fits_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"None of the 1 pictures .* a.png does not"):
        opened(make(tmp_path / "set", ["a.png"]), pattern="{class}_{number}")
