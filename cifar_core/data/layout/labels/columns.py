"""Finds which columns of a table name the files, their classes, their parts and their groups.

Files are found by whether the values name pictures that are there, the others by the column's name
and by its values. A person's own choice goes before what is found.
"""

import re
from collections import Counter
from collections.abc import Sequence

from cifar_core.data.contents import Columns
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labels.file_names import FileNames
from cifar_core.data.layout.labels.tables import FILE, Table, stem
from cifar_core.data.options import SetOptions
from cifar_core.errors import DataError
from cifar_core.registry import did_you_mean

SAMPLE = 500  # rows by which columns are judged
ENOUGH = 0.5  # share of the sample, or of the pictures, that a column of files names
LABELS = (  # names of columns that hold the class, the surest first
    *("class_name", "label_name", "category_name", "species_name", "label", "class", "category"),
    *(
        "target",
        "labels",
        "classes",
        "categories",
        "species",
        "breed",
        "diagnosis",
        "dx",
        "disease",
    ),
    *("finding_labels", "finding", "variety", "cultivar", "emotion", "expression", "type", "kind"),
    *("article_type", "style", "genre", "tag", "tags", "age_group", "gender", "sex", "landmark_id"),
    *("class_id", "label_id", "category_id", "class_index", "label_index", "target_id", "classid"),
    *("y", "ground_truth", "gt", "truth", "annotation", "answer", "name"),
)
GROUPS = re.compile(
    r"(^|_)(patient|subject|group|video|clip|lesion|person|participant|donor|animal|individual|"
    r"case|sequence|track|series|session|writer|scene|burst|slide|specimen)s?(_|$)"
)
BOXES = {"xmin", "ymin", "xmax", "ymax", "bbox", "x1", "y1", "x2", "y2"}
PARTS = {"split", "subset", "partition", "part", "usage", "set", "fold"}  # columns of parts
ONE_HOT = {"0", "1", "0.0", "1.0"}
WHOLE = re.compile(r"[+-]?\d+")
FRACTION = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")


def find_columns(
    table: Table, names: FileNames, options: SetOptions
) -> tuple[Table, Columns] | None:
    """Return the columns of a table of labels, and the table itself; None if it is not one.

    The table that is returned has its first line as a row if that names a picture. `label` is ""
    where the classes are the columns themselves. Raises DataError for a column that was chosen
    and is not there.
    """
    if any(named(table, cell, names) for cell in table.columns):
        table = table.headless()
    refuse_missing(table, options)
    sample = table.rows[:: max(1, len(table.rows) // SAMPLE)]
    cells = {name: [row[i] for row in sample] for i, name in enumerate(table.columns)}
    file = options.file_column or file_column(table, cells, names)
    if not file:
        return None
    others = {name: values for name, values in cells.items() if name != file}
    part = options.part_column or first(others, lambda _, values: are_parts(values))
    left = {
        name: values for name, values in others.items()
        if name != part and (part or not is_called_part(name) or name == options.label_column)
    }  # fmt: skip
    label = options.label_column or label_column(left)
    if not label and not one_hot(left):
        return None
    group = options.group_column or group_column(left, label)
    found = Columns(
        table=table.name, names=table.columns, file=file, label=label, part=part, group=group
    )
    return table, found


def named(table: Table, cell: str, names: FileNames) -> str:
    """Return the picture that a cell of a table names, "" if none."""
    return names.named(cell, table.folder, synonyms.part_of(stem(table.name)))


def refuse_missing(table: Table, options: SetOptions) -> None:
    """Raise DataError if a person chose a column that the table does not have."""
    for column in (
        *(options.file_column, options.label_column, options.part_column, options.group_column),
    ):
        if column and column not in table.columns:
            raise DataError(
                f"{table.name} has no column called '{column}'. "
                f"{did_you_mean(column, table.columns)}Its columns: {', '.join(table.columns)}."
            )


def file_column(table: Table, cells: dict[str, list[str]], names: FileNames) -> str:
    """Return the column whose values name the most pictures; "" if none names enough."""
    found = {
        column: len({named(table, cell, names) for cell in values} - {""})
        for column, values in cells.items()
    }
    column = max(found, key=lambda name: (found[name], name == FILE))
    rows = len(set(cells[column]))
    return column if found[column] >= ENOUGH * min(rows, len(names.full)) else ""


def label_column(cells: dict[str, list[str]]) -> str:
    """Return the column that holds the class; "" if none does."""
    words = {name: "_".join(synonyms.tokens(name)) for name in cells}
    by_name = [name for word in LABELS for name in cells if words[name] == word]
    usable = [name for name in by_name if may_be_label(cells[name])]
    if not usable and not one_hot(cells):
        likely = [name for name in cells if repeats(cells[name]) and not GROUPS.search(words[name])]
        usable = sorted(likely, key=lambda name: all(map(WHOLE.fullmatch, cells[name])))
    if not usable:
        return ""
    return worded(usable[0], cells)


def may_be_label(values: Sequence[str]) -> bool:
    """Return True if values can be classes: not fractions, and not all different."""
    fractions = any(FRACTION.fullmatch(value) and not value.endswith(".0") for value in values)
    return not fractions and (len(set(values)) < len(values) or len(values) <= 4)


def repeats(values: Sequence[str]) -> bool:
    """Return True if values come again so often that they are likely classes."""
    distinct = len(set(values))
    return may_be_label(values) and 2 <= distinct <= max(2, len(values) / 2)


def worded(column: str, cells: dict[str, list[str]]) -> str:
    """Return the column that has words for the numbers of a column of classes, or the same."""
    if not all(map(WHOLE.fullmatch, cells[column])):
        return column
    numbers = len(set(cells[column]))
    for other, values in cells.items():
        pairs = len(set(zip(cells[column], values, strict=True)))
        words = not any(WHOLE.fullmatch(value) or FRACTION.fullmatch(value) for value in values)
        if words and pairs == numbers == len(set(values)) and numbers > 1:
            return other
    return column


def are_parts(values: Sequence[str]) -> bool:
    """Return True if most values are words for parts, and train and another part are among them.

    Cells may be empty, or have a further word such as 'extra'.
    """
    meant = synonyms.parts_among(set(values) - {""})
    parts = set(meant.values())
    most = 2 * sum(value in meant for value in values) >= sum(map(bool, values))
    return "train" in parts and len(parts) > 1 and most


def unused_parts(table: Table, columns: Columns) -> str:
    """Return the column that is called like one of parts and has no words for them, or ""."""
    taken = (columns.file, columns.label, columns.part, columns.group)
    found = (name for name in table.columns if name not in taken and is_called_part(name))
    return "" if columns.part else next(found, "")


def is_called_part(name: str) -> bool:
    """Return True for a column's name such as 'split' or 'data_split'."""
    words = [word for word in synonyms.tokens(name) if word not in ("data", "dataset", "image")]
    return len(words) == 1 and words[0] in PARTS


def one_hot(cells: dict[str, list[str]]) -> list[str]:
    """Return the columns that say for each class whether a picture shows it; [] if they do not."""
    found = [name for name, values in cells.items() if set(values) <= ONE_HOT]
    if len(found) < 2:
        return []
    sums = Counter(
        sum(float(value) for value in row)
        for row in zip(*(cells[name] for name in found), strict=True)
    )
    return found if sums[1.0] >= ENOUGH * sums.total() else []


def group_column(cells: dict[str, list[str]], label: str) -> str:
    """Return the column of what several pictures show, such as patients; "" if there is none."""
    classes = len(set(cells.get(label, ())))
    return first(
        cells,
        lambda name, values: (
            name != label
            and bool(GROUPS.search("_".join(synonyms.tokens(name))))
            and classes < len(set(values))
        ),
    )


def first(cells, fits) -> str:  # type: ignore[no-untyped-def]
    """Return the first column that fits, "" if none does."""
    return next((name for name, values in cells.items() if fits(name, values)), "")
