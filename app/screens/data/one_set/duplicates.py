"""The Duplicates tab: images that are in a set twice, side by side, and what that means."""

import contextlib
import os
from pathlib import Path

import streamlit as st

from app import boundary, theme
from app.cache import albums
from app.screens.data.one_set.grid import grid
from app.screens.data.one_set.view import View, key_of
from app.session import store
from app.shared import job_offer
from cifar_core.data.contents import PartOfSet
from cifar_core.data.find import drawn_as
from cifar_core.data.layout.near import near_groups
from cifar_core.data.review import duplicates
from cifar_core.data.review.album import Album
from cifar_core.data.review.findings import KINDS, Findings, Group, Kind, findings
from cifar_core.people import OPERATOR
from cifar_core.runs.store import image_sets
from cifar_core.runs.store.set_job import SetJob, set_job

UNASKED = 5_000  # images up to which duplicates are looked for without a click
VARIABLE = "CIFAR_UNASKED"  # "off": no job is started without a click
GROUPS = 12  # groups of a page
MOST_ALIKE = 8  # images of a group that are shown
ZOOM = 3.0
MEANS: dict[Kind, str] = {
    "leaks": "A network can know the answer to these test images by memory, so that the test "
    "accuracy is higher than on new images.",
    "classes": "No network can be right about both.",
    "exact": "The same pixels more than once.",
    "near": "The same picture cropped, compressed, brighter or mirrored, or two very similar ones.",
}


def draw(view: View) -> None:
    """Draw the groups that were found, or offer to look for them."""
    found = found_in(view)
    if found is None:
        offer(view)
        return
    kinds = [kind for kind in KINDS if found.of(kind)]
    if not kinds:
        st.markdown("No image is in the set twice, not even nearly.")
        return
    st.markdown(summary(found))
    if found.of("leaks"):
        together(view)
    kind: Kind = st.segmented_control(
        "Show", kinds, default=kinds[0], required=True, key=f"alike in {view.one.source}",
        format_func=lambda kind: f"{KINDS[kind]} ({theme.plural(found.images(kind), 'image')})",
        label_visibility="collapsed",
    )  # fmt: skip
    st.caption(MEANS[kind])
    groups = found.of(kind)
    place, page = st.container(), 1
    if len(groups) > GROUPS:
        page = st.pagination(-(-len(groups) // GROUPS), key=f"page of {kind}")
    with place, st.grid(min_column_width=260, gap="small"):
        for group in groups[(page - 1) * GROUPS : page * GROUPS]:
            with st.container(border=True):
                alike(view, group)


def together(view: View) -> None:
    """Offer to draw the test images again where that takes alike images out of other parts."""
    root, source = store().root, view.one.source
    drawn = drawn_as(source, root) if view.album.names else ""
    if not drawn or not store().by.may(OPERATOR, image_sets.owner_of(store(), source)):
        return
    kept = duplicates.kept(view.images.fingerprint, root)
    groups = kept.by_name(view.album.names, len(view.images.train)) if kept else {}
    if groups == near_groups(root, drawn):
        return  # it was done, and what is left cannot be helped by another draw
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Keep near-duplicates in one part", icon=":material/join_inner:", key="together",
            on_click=boundary.callback(divide_again), args=(source, groups),
        )  # fmt: skip
        st.caption(
            "The test images were drawn here. This draws them again, with images that are alike "
            "all in one part, and the set is read again. Finished runs keep their results."
        )


def divide_again(source: str, groups: dict[str, str]) -> None:
    """Draw the test images of a set again."""
    image_sets.keep_together(store(), source, groups)
    albums.forget(source, str(store().root))


def alike(view: View, group: Group) -> None:
    """Draw the images of a group side by side, each with its class and its part."""
    key = f"alike {group.is_exact} {int(group.images[0])}"
    grid(view, group.images[:MOST_ALIKE], key=key, zoom=ZOOM, in_full=True)
    if len(group.images) > MOST_ALIKE:
        st.caption(f"and {theme.count(len(group.images) - MOST_ALIKE)} more")


def summary(found: Findings) -> str:
    """Say how many images there are twice, and where."""
    exact, near = (found.images(kind) for kind in ("exact", "near"))
    lines = [
        f"**{theme.plural(found.leaked, 'test image')}** also in training." if found.leaked else "",
        f"**{theme.plural(found.nearly, 'test image')}** nearly the same as a training image."
        if found.nearly else "",
        f"**{theme.plural(found.conflicting, 'image')}** in two classes with the same pixels."
        if found.conflicting else "",
        f"**{theme.plural(exact, 'image')}** identical to another one." if exact else "",
        f"**{theme.plural(near, 'image')}** nearly identical to another one." if near else "",
    ]  # fmt: skip
    return " ".join(filter(None, lines))


def offer(view: View) -> None:
    """Offer to look for duplicates, or show how far that is."""
    st.markdown("Images that are in a set twice, in training and test or in two classes, make "
                "an accuracy look better, or worse, than it is.")  # fmt: skip
    job_offer.offer(
        job_of(view), "Look for duplicates",
        f"in {theme.plural(len(view.album), 'image')}, in the background", key="duplicates",
    )  # fmt: skip


def begin_unasked(view: View) -> None:
    """Look for duplicates in a small set without a click, once."""
    if len(view.album) > UNASKED or os.environ.get(VARIABLE) == "off":
        return
    job = job_of(view)
    if not (job.is_done or job.is_running or job.error):
        with contextlib.suppress(*boundary.REFUSED):  # no one has asked for it
            job.start()


def job_of(view: View) -> SetJob:
    """Return the job that looks for duplicates in a set."""
    by, root = store().by, store().root
    job = duplicates.look(view.images, root, by.name)
    return set_job(job, by, view.one.title, "duplicates")


def found_in(view: View) -> Findings | None:
    """Return what duplicates mean for a set; None if no one has looked for them."""
    root = str(store().root)
    stamp = job_of(view).stamp
    return (
        known(*key_of(view.one.source, view.images), stamp, view.album) if root and stamp else None
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def known(source: str, root: str, fingerprint: str, stamp: int, _album: Album) -> Findings | None:
    """Return what was found in a set; `stamp` identifies the file that says it."""
    kept = duplicates.kept(fingerprint, Path(root))
    return meaning(kept, _album) if kept else None


def meaning(kept: duplicates.Duplicates, album: Album) -> Findings:
    """Return what the duplicates of a set mean."""
    exact, near = (
        [[number_of(album, *place) for place in images] for images in groups]
        for groups in (kept.exact, [one.images for one in kept.near])
    )
    return findings(album, exact, near)


def number_of(album: Album, part: PartOfSet, index: int) -> int:
    """Return the number in the album of an image of a part."""
    return index + (len(album.dataset.train) if part == "test" else 0)
