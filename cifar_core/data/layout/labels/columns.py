"""Finds which columns of a table name the files, their classes, their parts and their groups.

Files are found by whether the values name pictures that are there. The class is the column with
the surest known name. If none is known, it is the one whose values look most like classes: words
before numbers, then the fewest different values. Dates, fractions, long texts and values that are
mostly different do not count. Parts and groups are found by values and names. A person's own choice
goes before what is found.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from cifar_core.data.contents import Columns
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labels import column_names
from cifar_core.data.layout.labels.file_names import FileNames
from cifar_core.data.layout.labels.tables import FILE, Table, stem
from cifar_core.data.options import SetOptions
from cifar_core.errors import DataError
from cifar_core.registry import did_you_mean

SAMPLE = 500  # rows by which columns are judged
ENOUGH = 0.5  # share of the sample, or of the pictures, that a column of files names
BOXES = {"xmin", "ymin", "xmax", "ymax", "bbox", "x1", "y1", "x2", "y2"}
PARTS = {"split", "subset", "partition", "part", "usage", "set", "fold"}  # columns of parts
ONE_HOT = {"0", "1", "0.0", "1.0"}
WHOLE = re.compile(r"[+-]?\d+")
FRACTION = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
TIME = r"([T ]?\d{1,2}:\d\d(:\d\d)?\S*)"
DATE = re.compile(
    rf"(\d{{4}}[-/.]\d{{1,2}}([-/.]\d{{1,2}})?|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}){TIME}?|{TIME}|"
    r"(19|20)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
)
NUMBERED = re.compile(r"(\D*)\d+")
LONG = 60  # letters of a value, on average, from which it is a text
SELDOM = 0.1  # share of rows with no value, or one of their own, above which there are better ones


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
    plain = {name: column_names.plain(name) for name in cells}
    by_name = [name for word in column_names.LABELS for name in cells if plain[name] == word]
    usable = [name for name in by_name if may_be_label(cells[name])]
    if not usable and not one_hot(cells):
        likely = [
            name for name in cells if are_classes(cells[name]) and not column_names.is_group(name)
        ]
        usable = sorted(likely, key=lambda name: unlike_classes(name, cells[name]))
    if not usable:
        return ""
    return worded(usable[0], cells)


def may_be_label(values: Sequence[str]) -> bool:
    """Return True if values can be classes: no fractions, no dates, and not all different."""
    fractions = any(FRACTION.fullmatch(value) and not value.endswith(".0") for value in values)
    different = len(set(values)) == len(values) > 4
    return not fractions and not different and not most(values, DATE)


def are_classes(values: Sequence[str]) -> bool:
    """Return True if values look like classes: they come again, and are short and no measures."""
    distinct = len(set(values) - {""})
    again = 2 <= distinct <= max(2, len(values) / 2)
    long = sum(map(len, values)) > LONG * len(values)
    return again and may_be_label(values) and not long and not most(values, DECIMAL_COMMA)


def unlike_classes(name: str, values: Sequence[str]) -> tuple[bool, bool, bool, bool, int]:
    """Return a key that is lower the more a column looks like that of the classes."""
    counts = Counter(values)
    seldom = sum(count == 1 for count in counts.values()) + counts[""]
    return (
        not column_names.has_word(name, column_names.SURE),
        column_names.has_word(name, column_names.OTHER),
        seldom > SELDOM * len(values),
        are_numbered(counts),
        len(counts),
    )


def are_numbered(values: Iterable[str]) -> bool:
    """Return True for numbers, also with the same letters before them all, as in p0, p1, p2."""
    found = [NUMBERED.fullmatch(value) for value in values if value]
    return all(found) and len({match[1] for match in found if match}) <= 1


def most(values: Collection[str], form: re.Pattern[str]) -> bool:
    """Return True if more than half of the values that are not empty have a form."""
    filled = [value for value in values if value]
    return 2 * sum(bool(form.fullmatch(value)) for value in filled) > len(filled)


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
            name != label and column_names.is_group(name) and classes < len(set(values))
        ),
    )


def first(cells, fits) -> str:  # type: ignore[no-untyped-def]
    """Return the first column that fits, "" if none does."""
    return next((name for name, values in cells.items() if fits(name, values)), "")
