"""Pictures that are dropped into a class by its name: of an uploaded set, or of a new one."""

import streamlit as st

from app import theme
from app.screens.data.own.look import found_in
from app.screens.data.own.steps import LOOK, act, mine, show_now, turn_to
from app.session import store
from app.upload.drop_zone import drop_zone
from cifar_core.data.uploads import arriving, names
from cifar_core.data.uploads.sets import UploadedSet
from cifar_core.errors import CifarError

NEW = "A new set"


def into_classes(chosen: str) -> None:
    """Ask for a set and a class, and take pictures of it."""
    known = {found.name: found for found in mine() if not found.file}
    left, right = st.columns(2)
    with left:
        name = st.selectbox(
            "Set", ["", *known], index=[*known].index(chosen) + 1 if chosen in known else 0,
            format_func=lambda name: known[name].title if name else NEW, key=f"upload_set {chosen}",
        )  # fmt: skip
        title = "" if name else st.text_input("Name of the new set", "My pictures", key="new_set")
    with right:
        label = st.selectbox(
            "Class", classes_of(known.get(name)), index=None, accept_new_options=True,
            placeholder="Choose a class, or type a new one", key=f"upload_class {name}",
        )  # fmt: skip
    label = checked(label or "")
    prompt = f"Drop pictures of {label} here" if label else "Choose a class first"
    arrived = drop_zone(
        "upload_class", prompt, into=name, label=label, title=title, ready=bool(label)
    )
    if arrived:
        st.session_state["upload_done"] = arrived
        show_now("drop", arrived.set)
    if name in known:
        summary(known[name])


def checked(label: str) -> str:
    """Return a class's name as a folder can have it; empty after saying why it cannot."""
    try:
        return names.safe_label(label) if label else ""
    except CifarError as error:
        st.error(theme.safe(str(error)))
        return ""


def summary(found: UploadedSet) -> None:
    """Say how many pictures each class has, and offer to look at the set."""
    done = st.session_state.pop("upload_done", None)
    if done and done.set == found.name:
        st.markdown(f"{theme.plural(done.files, 'picture')} came to **{theme.safe(done.label)}**.")
    act("Look at this set", lambda name: turn_to(LOOK, name), found.name, main=True)


def classes_of(found: UploadedSet | None) -> list[str]:
    """Return the classes that a set has; none if they cannot be known."""
    if found is None:
        return []
    if found.by_class:
        folder = arriving.home(store().root) / found.name
        return sorted(path.name for path in folder.iterdir() if path.is_dir())
    try:
        return list(found_in(found).classes)
    except CifarError:
        return []
