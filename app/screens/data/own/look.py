"""The second step: what was found in an uploaded set, and what a person decides about it."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st
from msgspec.structs import replace

from app import boundary, theme
from app.screens.data.own.steps import DROP, NAME, act, discard, turn_to
from app.session import Key, remember, remembered, store
from cifar_core.data.contents import Columns, Contents
from cifar_core.data.formats.formats import open_source
from cifar_core.data.layout.refusals import NoClassesError
from cifar_core.data.options import SetOptions, keep_options, options_of
from cifar_core.data.uploads import names, sets
from cifar_core.data.uploads.sets import UploadedSet

MOST_CLASSES, MOST_NAMES = 12, 50  # named in a sentence, and of files that were left out
PARTS = {"train": "to train on", "val": "to validate", "test": "to test with"}
NONE = "(none)"
ONE_CLASS, PATTERN = "They are all of one class", "Their names say the class"


def look(name: str) -> None:
    """Draw what was found in a set, with the way on; or why it cannot be used, and what to do."""
    found = sets.one(store().root, name)
    sets.see(store().root, found)
    try:
        contents = found_in(found)
    except boundary.REFUSED as error:
        here = found.source(store().root)  # where the server keeps it says nothing to a visitor
        st.error(boundary.words(error).replace(theme.safe(here), theme.safe(found.title)))
        if taken := chosen_columns(found):
            columns(found, taken)
        left_out(found)
        refused(found, error.pattern if isinstance(error, NoClassesError) else "")
        return
    summary(contents)
    left_out(found)
    if contents.columns:
        columns(found, contents.columns)
    with st.container(horizontal=True):
        act("Continue", confirm, name, main=True)
        act("Discard", discard, name)


def found_in(found: UploadedSet) -> Contents:
    """Return what an uploaded set holds; raises DataError. It is listed again after a change."""
    root, source = store().root, found.source(store().root)
    options = options_of(root, source)
    mark = (source, found.at, options)
    known = remembered(Key.UPLOAD_LOOK)
    if known and known[0] == mark:
        kept: Contents = known[1]
        return kept
    with st.spinner("Looking through the files"):
        contents = open_source(Path(source), options, root)
    remember(Key.UPLOAD_LOOK, (mark, contents))
    return contents


def summary(contents: Contents) -> None:
    """Say how many classes and images there are, what was taken as what, and what was left out."""
    count = len(contents.classes)
    classes = "1 class" if count == 1 else f"{theme.count(count)} classes"
    with st.container(key="upload-counts"):
        st.header(f"{classes}, {theme.plural(len(contents.items), 'image')}", anchor=False)
    parts = Counter[str](item.part for item in contents.items)
    st.markdown(
        ", ".join(f"{theme.count(parts[part])} {use}" for part, use in PARTS.items() if parts[part])
        + "."
    )
    images = Counter(item.label for item in contents.items)
    shown = [f"{theme.short(label, 30)} {theme.count(images[label])}"
             for label in contents.classes[:MOST_CLASSES]]  # fmt: skip
    more = f" and {theme.count(count - MOST_CLASSES)} more" if count > MOST_CLASSES else ""
    st.caption(theme.safe(", ".join(shown)) + more)
    for words in contents.said:
        st.markdown(theme.safe(words))
    for ignored in contents.ignored:
        listed(theme.safe(ignored.why), ignored.names, len(ignored.names))


def listed(why: str, files: Sequence[str], number: int) -> None:
    """List the first of a number of files that were left out for the same reason."""
    with st.expander(f"Files that {why}: {theme.count(number)}"):
        rest = [f"and {theme.count(number - MOST_NAMES)} more"] if number > MOST_NAMES else []
        st.text("\n".join([*files[:MOST_NAMES], *rest]))


def left_out(found: UploadedSet) -> None:
    """List the files of an upload that did not arrive because of their names."""
    if found.left_out:
        listed("were left out because of their names", found.left_names, found.left_out)
        st.caption(
            f"A name may have up to {names.LONGEST_PART} bytes in up to {names.DEEPEST - 1} "
            "folders, no control characters, and no drive such as C: before it. Rename these files "
            "and upload the folder again if they matter."
        )


def columns(found: UploadedSet, taken: Columns) -> None:
    """Show the columns of a table of labels that were taken, to be confirmed or changed."""
    fields = {
        "file_column": ("File", taken.file),
        "label_column": ("Class", taken.label),
        "part_column": ("Part", taken.part),
        "group_column": ("Group", taken.group),
    }
    with st.container(border=True):
        st.markdown(f"Columns of {theme.safe(taken.table)}, change them if they are wrong:")
        for column, (key, (title, now)) in zip(st.columns(4), fields.items(), strict=True):
            needed = key in ("file_column", "label_column")
            choices = [*taken.names] if needed else [NONE, *taken.names]
            index = choices.index(now) if now in choices else 0
            column.selectbox(
                title, choices, index=index, key=key,
                on_change=boundary.callback(take_column), args=(found, key),
            )  # fmt: skip


def chosen_columns(found: UploadedSet) -> Columns | None:
    """Return the columns that a person chose, if with others the set's table can be read."""
    root, source = store().root, found.source(store().root)
    had = options_of(root, source)
    chosen = {name: getattr(had, f"{name}_column") for name in ("file", "label", "part", "group")}
    if not any(chosen.values()):
        return None
    free = replace(had, file_column="", label_column="", part_column="", group_column="")
    try:
        taken = open_source(Path(source), free, root).columns
    except boundary.REFUSED:
        return None
    if taken is None:
        return None
    kept = {name: column for name, column in chosen.items() if column in taken.names}
    return dataclasses.replace(taken, **kept)


def sent(label: str, does: Callable[[UploadedSet], None], found: UploadedSet) -> None:
    """Draw the button of a form, which does something with an uploaded set."""
    st.form_submit_button(
        label, type="primary", on_click=boundary.callback(does), args=(found,)
    )  # fmt: skip


def take_column(found: UploadedSet, key: str) -> None:
    """Keep a column that a person chose; the set is listed again with it."""
    value = st.session_state[key]
    decide(found, **{key: "" if value == NONE else value})


def confirm(name: str) -> None:
    """Take what is shown as right, and ask for the set's name."""
    found = sets.one(store().root, name)
    if found_in(found).columns:
        decide(found, confirmed=True)
    turn_to(NAME, name)


def refused(found: UploadedSet, proposed: str = "") -> None:
    """Offer what may make a set usable that cannot be used as it is.

    `proposed` is a pattern that the names of its files fit, if there is one.
    """
    is_loose = bool(sets.loose(store().root, found))
    if is_loose:
        way = st.segmented_control(
            "These pictures lie in no folder", [ONE_CLASS, PATTERN],
            default=PATTERN if proposed else ONE_CLASS,
            required=True, key="loose",
        )  # fmt: skip
    else:
        way = "" if found.by_class else PATTERN
    if way == ONE_CLASS:
        one_class(found)
    elif way == PATTERN:
        pattern(found, proposed)
    with st.container(horizontal=True):
        if found.by_class:
            act("Add another class", lambda name: turn_to(DROP, name), found.name, main=True)
        act("Discard, and start again", discard, found.name)


def one_class(found: UploadedSet) -> None:
    """Put pictures that lie in no folder into one class."""
    with st.form("one_class", border=False):
        st.text_input("Name of the class", key="class_name", placeholder="cat")
        sent("Put them into this class", put_into_class, found)


def put_into_class(found: UploadedSet) -> None:
    """Move the pictures into the class, and ask for another one, as two are needed."""
    label = names.safe_label(st.session_state["class_name"])
    with store().action("sort an upload", "sorted the upload", found.title, owner=found.owner):
        sets.into_one_class(store().root, found, label)
    turn_to(DROP, found.name)


def pattern(found: UploadedSet, proposed: str) -> None:
    """Take the pattern by which the names of files say the class."""
    now = options_of(store().root, found.source(store().root)).pattern or proposed
    with st.form("pattern", border=False):
        st.text_input(
            "Pattern of the names", value=now, key="name_pattern", placeholder="{class}_{number}",
            help="This one fits cat_001.jpg. {class} stands for the class, {number} for digits and "
            "{any} for anything else.",
        )  # fmt: skip
        sent("Use this pattern", take_pattern, found)


def take_pattern(found: UploadedSet) -> None:
    """Keep the pattern that a person typed."""
    decide(found, pattern=st.session_state["name_pattern"].strip())


def decide(found: UploadedSet, **decisions: str | bool) -> None:
    """Keep what a person decided about a set."""
    root, source = store().root, found.source(store().root)
    options: SetOptions = replace(options_of(root, source), **decisions)
    with store().action("sort an upload", "sorted the upload", found.title, owner=found.owner):
        keep_options(root, source, options)
