"""Takes the classes of pictures from the tables of a source."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cifar_core.data.contents import Columns, PartOfSet
from cifar_core.data.layout import synonyms
from cifar_core.data.layout.labeled import Label, Labeled
from cifar_core.data.layout.labels import columns as finding
from cifar_core.data.layout.labels.file_names import FileNames
from cifar_core.data.layout.labels.tables import SEVERAL, Table, read_table, stem
from cifar_core.data.layout.listing import Listing
from cifar_core.data.options import SetOptions
from cifar_core.data.sources.limits import shown
from cifar_core.errors import DataError
from cifar_core.numbers import counted

NO_ROW = "have no row with a class in the table"
NO_TABLE = "are tables that do not name these pictures one by one, with a class for each"
UNUSED = "are tables of pictures whose classes come from elsewhere"
OTHER_PART = "have a word for their part that is none of train, val and test"
EXAMPLES = re.compile(r"submission|submit|example")  # tables with made-up labels
MOST_NAMED = 5
SEPARATORS = re.compile(r"[|;,]")


@dataclass(frozen=True, kw_only=True)
class LabelTable:
    """A table whose columns are known, and the pictures that its rows name."""

    table: Table
    columns: Columns
    rows: dict[str, list[tuple[str, ...]]]  # picture -> its rows
    missing: int  # rows that name no picture

    @property
    def part(self) -> PartOfSet | None:
        """Return the part that the table's own name means."""
        return synonyms.part_of(stem(self.table.name))


def label_tables(listing: Listing, options: SetOptions) -> list[LabelTable]:
    """Return the tables that could say the classes, the one for the most pictures first.

    Raises DataError for columns that a person chose and that no table has.
    """
    if not listing.tables:
        return []
    names = FileNames(listing.pictures)
    found, refused = [], None
    for name, data in sorted(listing.tables.items(), key=lambda one: (one[0].count("/"), one[0])):
        table = None if EXAMPLES.search(stem(name).casefold()) else read_table(name, data)
        if table is None:
            continue
        try:
            chosen = finding.find_columns(table, names, options)
        except DataError as error:
            refused = refused or error
            continue
        if chosen:
            found.append(matched(*chosen, names))
    if refused and not found:
        raise refused
    return sorted(found, key=lambda one: -len(one.rows))


def matched(table: Table, columns: Columns, names: FileNames) -> LabelTable:
    """Find the picture of each row."""
    index = table.columns.index(columns.file)
    rows: dict[str, list[tuple[str, ...]]] = {}
    missing = 0
    for row in table.rows:
        if name := finding.named(table, row[index], names):
            rows.setdefault(name, []).append(row)
        else:
            missing += 1
    return LabelTable(table=table, columns=columns, rows=rows, missing=missing)


def together(tables: list[LabelTable]) -> list[LabelTable]:
    """Return the first table and those that continue it: the same columns, other pictures."""
    chosen: list[LabelTable] = []
    taken: set[str] = set()
    for one in tables:
        like = not chosen or (
            one.columns.file == chosen[0].columns.file
            and one.columns.label == chosen[0].columns.label
        )
        if like and one.rows and taken.isdisjoint(one.rows):
            chosen.append(one)
            taken.update(one.rows)
    return chosen


def by_tables(
    tables: list[LabelTable], listing: Listing, parts: Mapping[str, PartOfSet | None]
) -> Labeled:
    """Label the pictures by the rows of tables; `parts` are those of the pictures' folders."""
    labeled = Labeled(columns=tables[0].columns)
    for table in tables:
        labeled.used.add(table.table.name)
        refuse_several(listing, table)
        for name, rows in table.rows.items():
            label_row(labeled, table, name, rows[0], parts.get(name))
    rest = [name for name in listing.pictures if name not in labeled.pictures]
    named = {name for names in labeled.left_out.values() for name in names}
    labeled.leave_out(NO_ROW, (name for name in rest if name not in named))
    labeled.said.extend(sentences(tables, labeled))
    return labeled


def label_row(
    labeled: Labeled,
    table: LabelTable,
    name: str,
    row: tuple[str, ...],
    folder_part: PartOfSet | None,
) -> None:
    """Label one picture by its row."""
    columns = table.columns
    cells = dict(zip(columns.names, row, strict=True))
    label = cells[columns.label] if columns.label else hot(cells, table)
    if not label:
        labeled.left_out[NO_ROW].append(name)
        return
    part = folder_part or table.part
    if columns.part:
        word = cells[columns.part]
        part = synonyms.part_of(word) if word else part or "train"
        if part is None:
            labeled.left_out[OTHER_PART].append(name)
            return
    group = cells[columns.group] if columns.group else ""
    labeled.pictures[name] = Label(part, label, group)


def hot(cells: Mapping[str, str], table: LabelTable) -> str:
    """Return the column of a picture's class where each class has a column; "" if none is 1."""
    ones = [name for name, value in cells.items() if value in ("1", "1.0")]
    taken = (table.columns.file, table.columns.part, table.columns.group)
    return SEVERAL.join(name for name in ones if name not in taken)


def refuse_several(listing: Listing, table: LabelTable) -> None:
    """Raise DataError if pictures have more than one class."""
    columns = table.columns
    if not columns.label:
        several = {
            name for name, rows in table.rows.items()
            if SEVERAL in hot(dict(zip(columns.names, rows[0], strict=True)), table)
        }  # fmt: skip
    else:
        index = table.table.columns.index(columns.label)
        labels = {name: {row[index] for row in rows} for name, rows in table.rows.items()}
        alone = {label for of_one in labels.values() for label in of_one}
        several = {
            name for name, of_one in labels.items()
            if len(of_one) > 1 or any(holds_several(label, alone) for label in of_one)
        }  # fmt: skip
    if not several:
        return
    boxes = set(map(str.casefold, columns.names)) & finding.BOXES
    kind = "detection" if boxes else "several classes"
    raise DataError(
        f"{listing.path} has {counted(len(several), 'picture')} with more than one class in "
        f"{shown(columns.table)}, such as {shown(min(several))}; every picture must have exactly "
        f"one. These are labels for {kind}: keep one class for each picture, or take out the rows "
        "of the others."
    )


def holds_several(label: str, alone: set[str]) -> bool:
    """Return True if a cell holds several classes that other cells hold alone."""
    if SEVERAL in label:
        return True
    pieces = [piece.strip() for piece in SEPARATORS.split(label)]
    return len(pieces) > 1 and all(piece in alone for piece in pieces)


def sentences(tables: list[LabelTable], labeled: Labeled) -> list[str]:
    """Say which columns were taken."""
    columns = tables[0].columns
    more = len(tables) - 1
    others = f" and {more:,} more {'table' if more == 1 else 'tables'}" if more else ""
    label = (
        f"the class in the column {shown(columns.label)}"
        if columns.label
        else ("a column for each class")
    )
    words = [f"the file in the column {shown(columns.file)}", label]
    if columns.part:
        words.append(f"the part in the column {shown(columns.part)}")
    if columns.group:
        words.append(f"the group in the column {shown(columns.group)}")
    listed = ", ".join(words[:-1]) + f" and {words[-1]}"
    said = [f"The classes come from {shown(columns.table)}{others}: {listed}."]
    if missing := sum(table.missing for table in tables):
        rows = (
            "1 row names a file that is"
            if missing == 1
            else f"{missing:,} rows name files that are"
        )
        said.append(f"{rows} not there.")
    return [*said, *of_parts(tables, labeled)]


def of_parts(tables: list[LabelTable], labeled: Labeled) -> Iterator[str]:
    """Say of how many pictures a column of parts says nothing, or that it cannot be used."""
    table, columns = tables[0].table, tables[0].columns
    if name := finding.unused_parts(table, columns):
        values = sorted({row[table.columns.index(name)] for row in table.rows} - {""})
        some = ", ".join(shown(value, 20) for value in values[:MOST_NAMED])
        more = ", ..." if len(values) > MOST_NAMED else ""
        yield (
            f"The column {shown(name)} ({some}{more}) does not say the parts, since that needs the "
            "word train and val or test."
        )
    empty = sum(
        not rows[0][one.table.columns.index(one.columns.part)]
        for one in tables if one.columns.part
        for name, rows in one.rows.items() if name in labeled.pictures
    )  # fmt: skip
    if empty:
        yield (
            f"The part is empty for {counted(empty, 'picture')}: the folder says it, or else "
            f"{'it is' if empty == 1 else 'they are'} for training."
        )
