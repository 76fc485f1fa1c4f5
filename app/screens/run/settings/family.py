"""The family of a run: the runs that it comes from and those that come from it, as an outline."""

import streamlit as st

from app import theme
from app.navigation import link
from app.session import store
from cifar_core.runs import Run, RunStatus
from cifar_core.runs.family.tree import Family, Link, Relative, family
from cifar_core.runs.record.family.ancestors import CLONE, CONTINUES, TEACHER, WEIGHTS

ICONS = {  # of a kind of link
    CONTINUES: ":material/fast_forward:",
    WEIGHTS: ":material/account_tree:",
    TEACHER: ":material/school:",
    CLONE: ":material/content_copy:",
}
HOW = {
    CONTINUES: "trained on from {older}, epoch {epoch:g}",
    WEIGHTS: "starts from the weights of {older}, epoch {epoch:g}",
    TEACHER: "learns from {older}, epoch {epoch:g}",
    CLONE: "has the settings of {older}",
}
FIRST = ":material/radio_button_unchecked:"  # of a run that comes from none
GONE = "no longer here"
DEEPEST = 6  # indentation; later generations stand below each other
MOST = 30  # lines


def has_relatives(run: Run) -> bool:
    """Whether a run comes from another one, or another one from it."""
    return not family(store(), run).is_alone


def outline(run: Run, status: RunStatus) -> None:
    """Draw a line for each run, indented by generation, with how it came from earlier ones."""
    found = family(store(), run)
    shown = nearest(found)
    oldest = min(relative.generation for relative in shown)
    for relative in shown:
        depth = min(DEEPEST, relative.generation - oldest)
        links = [link_ for link_ in found.links if link_.younger == relative.run]
        with st.container(
            horizontal=True, vertical_alignment="center", gap="small",
            key=f"kin-{depth}-{relative.run}",
        ):  # fmt: skip
            line(relative, links, found)
    if left := len(found.relatives) - len(shown):
        st.caption(f"and {theme.plural(left, 'more distant run')}")


def nearest(found: Family) -> list[Relative]:
    """Return the runs that are shown: the nearest ones, in the order of the family."""
    near = sorted(found.relatives, key=lambda relative: abs(relative.generation))[:MOST]
    return [relative for relative in found.relatives if relative in near]


def line(relative: Relative, links: list[Link], found: Family) -> None:
    """Draw one run: a link, bold text for the present one, plain text for one that is gone."""
    icon = ICONS[links[0].how] if links else FIRST
    title = theme.safe(titled(relative))
    words = ", ".join(how(one, found) for one in links)
    if relative.run == found.run:
        st.markdown(f"{icon} **{title}**", width="content")
        words = f"this run; {words}" if words else "this run"
    elif relative.row is None:
        st.markdown(f"{icon} {title}", width="content")
        words = f"{GONE}; {words}" if words else GONE
    else:
        link("run", title, icon, id=relative.row.number)
    if words:
        st.caption(theme.safe(words), width="content")


def titled(relative: Relative) -> str:
    """Name a run by number and name; one that is gone by the name that it had."""
    return f"#{relative.row.number} {relative.name}" if relative.row else relative.name


def how(one: Link, found: Family) -> str:
    """Say how a run came from an earlier one."""
    (older,) = (relative for relative in found.relatives if relative.run == one.older)
    name = f"#{older.row.number}" if older.row else older.name
    return HOW[one.how].format(older=name, epoch=one.epoch)
