"""The page of one data set: its head, and below it five tabs; nothing waits for its images."""

import streamlit as st

from app import boundary, theme
from app.cache.opening import opened
from app.screens.data.one_set import classes, duplicates, files, images, sizes
from app.screens.data.one_set.head import heading, standing
from app.screens.data.one_set.proposals import found_columns, pattern_form
from app.screens.data.one_set.view import View, view_of
from app.screens.data.published_set import classes_named
from app.session import store
from app.shared.pictures.reading import watch_reading
from app.shared.tab_bar import tab_bar
from cifar_core.data import DataStatus
from cifar_core.data.options import options_of
from cifar_core.people import OPERATOR
from cifar_core.runs.store import image_sets

TABS = {
    "images": "Images",
    "classes": "Classes",
    "sizes": "Sizes",
    "duplicates": "Duplicates",
    "files": "Files",
}
DRAWN = {
    "images": images.draw,
    "classes": classes.draw,
    "sizes": sizes.draw,
    "duplicates": duplicates.draw,
    "files": files.draw,
}


def one_set(one: DataStatus) -> None:
    """Draw the page of a set in the state that it is in: not here, removed, refused, or open."""
    if options_of(store().root, one.source).removed and not one.default:
        removed(one)
        return
    if not one.ready:
        heading(one, usable=False)
        not_here(one)
        return
    try:
        found = opened(one.source, str(store().root))
    except boundary.REFUSED as error:
        heading(one, usable=False)
        refused(one, error)
        return
    heading(one, usable=True)
    if found is None:
        reading(one)
    else:
        looked_into(view_of(one, found))


def looked_into(view: View) -> None:
    """Draw what is known of open images."""
    duplicates.begin_unasked(view)
    standing(view)
    boundary.part(found_columns)(view)
    name, box = tab_bar(TABS, of=view.one.source)
    with box:
        boundary.part(DRAWN[name])(view)


def reading(one: DataStatus) -> None:
    """Say how far the images are read, and show what is known without them."""
    if one.train_images:
        train, test = theme.count(one.train_images), theme.count(one.test_images)
        st.markdown(f"{train} images to train on and {test} to test with, "
                    f"of {theme.count(len(one.classes))} classes.")  # fmt: skip
    watch_reading(one.source)
    st.skeleton(height=320)
    files.about(one)


def not_here(one: DataStatus) -> None:
    """Say what images that are not on this machine would be, and how to get them."""
    if one.action:
        st.markdown(theme.safe(one.action))
    if not one.classes:
        return
    if one.train_images:
        st.markdown(f"{theme.count(one.train_images)} images to train on and "
                    f"{theme.count(one.test_images)} to test with.")  # fmt: skip
    st.markdown(theme.safe(classes_named(one.classes)))
    files.about(one)


def refused(one: DataStatus, error: Exception) -> None:
    """Say why a set cannot be used, with the list of what is wrong."""
    boundary.show(error)
    pattern_form(one, str(error))
    if store().by.may(OPERATOR, image_sets.owner_of(store(), one.source)):
        st.caption("The menu *More* has *Read again*, for after a change of the files, and *How "
                   "these images are read*: how many pictures may be left out, and where the "
                   "classes come from.")  # fmt: skip
    files.left_out(one)


def removed(one: DataStatus) -> None:
    """Say that a set was removed, and offer to show it again."""
    st.header(theme.safe(one.title), anchor=False)
    st.markdown("These images were removed.")
    if store().by.may(OPERATOR, image_sets.owner_of(store(), one.source)):
        st.button(
            "Restore", icon=":material/undo:", key="restore",
            on_click=boundary.callback(image_sets.restore), args=(store(), one.source),
        )  # fmt: skip
