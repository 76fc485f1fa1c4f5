"""Boxes for texts that two people may edit at once: a save never replaces what was not shown.

A box remembers the text that it began with. If another one is kept when it is saved, both are
shown, and the person keeps theirs, the other's, or both.
"""

from collections.abc import Callable

import streamlit as st

from app import boundary, theme
from cifar_core.errors import ChangedMeanwhileError

Save = Callable[[str, str], object]  # keeps a text, written over another one


def begun(key: str, kept: str) -> str:
    """Return the text that a box in a form began with; fill the box when it is drawn first.

    Later changes of others are not put into the box, since they would replace what is being typed
    there; they are noticed when it is saved.
    """
    if key not in st.session_state or of(key, "begun") not in st.session_state:
        st.session_state[key] = st.session_state[of(key, "begun")] = kept
    return str(st.session_state[of(key, "begun")])


def save(key: str, act: Callable[[], object]) -> bool:
    """Save what was typed into a box; return False if that is refused, and show why."""
    try:
        act()
    except ChangedMeanwhileError as error:
        st.session_state[of(key, "conflict")] = (error.mine, error.theirs, str(error))
        return False
    except boundary.REFUSED as error:
        boundary.toast(error)
        return False
    begin_again(key)
    return True


def begin_again(key: str) -> None:
    """Have a box filled with the kept text when it is drawn next."""
    for what in ("begun", "conflict"):
        st.session_state.pop(of(key, what), None)


def is_open(key: str) -> bool:
    """Return True if the person has yet to choose between two texts."""
    return of(key, "conflict") in st.session_state


def conflict(key: str, keep: Save, *, between: str, longest: int, none: str) -> None:
    """Draw both texts and the choice between them, if there is one to be made.

    Args:
        key: of the box.
        keep: saves a text that was written over another one.
        between: joins the two texts if both are kept.
        longest: the most characters of a text.
        none: stands for an empty text.
    """
    if not is_open(key):
        return
    mine, theirs, sentence = st.session_state[of(key, "conflict")]
    both = f"{theirs}{between}{mine}"
    choices = {"yours": mine, "theirs": theirs, "both": both}
    with st.container(border=True):
        st.markdown(f":material/warning: {theme.safe(sentence)}")
        for title, text in (("Yours", mine), ("Theirs", theirs)):
            st.caption(title)
            st.code(text or none, language=None, wrap_lines=True)
        with st.container(horizontal=True):
            for word, text in choices.items():
                if word == "both" and (len(both) > longest or not (mine and theirs)):
                    continue
                st.button(f"Keep {word}", key=f"{word} {key}", on_click=boundary.callback(decide),
                          args=(key, keep, text, theirs))  # fmt: skip


def decide(key: str, keep: Save, text: str, theirs: str) -> None:
    """Save the chosen text, unless it is the kept one; a further change of theirs asks again."""
    if text == theirs:
        begin_again(key)
    else:
        save(key, lambda: keep(text, theirs))


def of(key: str, what: str) -> str:
    """Return the name under which the session remembers something about a box."""
    return f"{what} {key}"
