"""The Data page: which images are available, how to get the real ones, and a preview."""

import numpy as np
import streamlit as st

from app import boundary, theme
from app.cache.results import dataset
from app.screens.data import charts
from app.session import Key, remember, remembered, store
from app.shared.charts import picture_rows
from app.shared.figure import show_figure
from cifar_core import data
from cifar_core.data import roots
from cifar_core.data.dataset import Dataset, counts
from cifar_core.data.sources import fetch, progress
from cifar_core.people import OPERATOR

ROWS, COLUMNS = 5, 12  # of the preview
MEGA = 1e6
CIFAR10 = "CIFAR-10"  # as the log names it


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    st.header("Data", anchor=False)
    statuses = data.offered_to(store().by, store().root)
    left, right = st.columns([1, 1.7], gap="large")
    with left:
        for status in statuses:
            card(status)
        own_images()
    with right:
        browser([status for status in statuses if status.ready])


def card(status: data.DataStatus) -> None:
    """Draw one dataset: what it is, where it is, and how to get it."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{theme.safe(status.title)}**", width="content")
            if status.default:
                st.badge("Used by default", color="blue")
            elif not status.ready:
                st.badge("Not available", color="gray")
        if status.note:
            st.markdown(theme.safe(status.note))
        facts = [theme.safe(status.where)] if status.where else []
        if status.train_images:
            train, test = theme.count(status.train_images), theme.count(status.test_images)
            facts.append(f"{train} training and {test} test images")
        if facts:
            st.caption(", ".join(facts))
        if status.kind == "cifar10" and not status.ready:
            download()
        elif status.action:
            st.caption(theme.safe(status.action))


def download() -> None:
    """Offer the official images, and show the progress of their download."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    boundary.fragment(download_state, run_every=1.0 if running else None)(running)


def download_state(was_running: bool) -> None:
    """Draw the download; repeated every second while it runs."""
    now = progress.progress(store().root)
    running = now is not None and now.alive
    if running != was_running:
        st.rerun()
    if now is not None and running:
        share = min(1.0, now.done / now.total) if now.total else 0.0
        speed = f", {now.bytes_per_second / MEGA:.1f} MB per second" if now.done else ""
        st.progress(share, f"{now.done / MEGA:.1f} of {now.total / MEGA:.1f} MB{speed}")
        st.caption(f"{theme.safe(now.message)} You can close this page.")
        if store().by.may(OPERATOR, now.by) and st.button("Cancel", key="cancel"):
            with store().action("cancel the download", "canceled the download of", CIFAR10,
                                owner=now.by):  # fmt: skip
                progress.cancel(store().root)
        return
    if now is not None and now.state in ("failed", "cancelled"):
        st.markdown(f":red[:material/error: {theme.safe(now.message)}]")
    label = "Try again" if now is not None and now.state == "failed" else "Download (170 MB)"
    if st.button(label, type="primary", icon=":material/download:", key="download"):
        try:
            with store().action("download images", "began to download", CIFAR10) as line:
                line.skip = not fetch.start_background(store().root, by=store().by.name)
        except boundary.REFUSED as error:
            boundary.show(error)
        else:
            st.rerun()


def own_images() -> None:
    """Say how to use other images."""
    is_local = store().by.is_local
    with st.expander("Use your own images"):
        st.markdown(
            "Set **Data** of a new run to a folder, or to a tar or zip file of one. It contains "
            "one folder per class, once for training and once for testing:"
        )
        st.code("train/cat/0001.jpg\ntrain/dog/0001.jpg\ntest/cat/0001.jpg", language=None)
        if not is_local:
            st.markdown(
                "Others can reach this dashboard, so it reads only folders that its admin has "
                f"named in `{roots.VARIABLE}`, and lists the images in them here. Ask an admin of "
                "this lab to put yours there."
            )
            return
        st.markdown(
            "If `CIFAR_DATA` is set to its path before the dashboard starts, every run uses it by "
            "default. An official CIFAR-10 archive, or the folder that torchvision made from it, "
            f"is found automatically in `{store().root / 'data'}`."
        )


def browser(statuses: list[data.DataStatus]) -> None:
    """Draw some images of a dataset, and how many each class has."""
    titles = {status.source: status.title for status in statuses}
    source = st.selectbox(
        "Images", list(titles), format_func=titles.__getitem__, key="browse",
        persist_state="session",
    )  # fmt: skip
    try:
        with st.spinner("Decoding the images (only the first time)", show_time=True):
            images = dataset(source, str(store().root))
    except boundary.REFUSED as error:
        boundary.show(error)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Class", ["All classes", *images.classes], key=f"class of {source}", width=220
        )
        part = st.segmented_control(
            "Split", ["Training", "Test"], default="Training", required=True, key="part"
        )
        st.space("stretch")
        seed = remembered(Key.BROWSE_SEED, 0)
        st.button(
            "Show others", icon=":material/shuffle:", key="others", on_click=remember,
            args=(Key.BROWSE_SEED, seed + 1),
        )  # fmt: skip
    sheet(images, name, part == "Test", seed)
    class_counts(images)


def sheet(images: Dataset, name: str, test: bool, seed: int) -> None:
    """Draw some of the images, chosen by a seed."""
    part = images.test if test else images.train
    indices = np.arange(len(part))
    if name in images.classes:
        indices = np.flatnonzero(part.labels == images.classes.index(name))
    chosen = np.random.default_rng(seed).permutation(indices)[: ROWS * COLUMNS]
    pixels = np.asarray(part.pixels[np.sort(chosen)])
    pixels = pixels[np.random.default_rng(seed).permutation(len(pixels))]
    rows = [pixels[start : start + COLUMNS] for start in range(0, len(pixels), COLUMNS)]
    if rows:
        st.image(picture_rows(rows, zoom=3), width="stretch", output_format="PNG",
                 alt=f"Images of {name}")  # fmt: skip
    how = ", chosen at random" if len(chosen) < len(indices) else ""
    st.caption(f"{len(chosen)} of {theme.plural(len(indices), 'image')}{how}.")


def class_counts(images: Dataset) -> None:
    """Draw how many images each class has."""
    with st.expander("Images per class"):
        train, test = (counts(p.labels, images.classes) for p in (images.train, images.test))
        show_figure(
            charts.count_figure(images.classes, train, test),
            key="counts",
            alt="Number of images of each class",
        )
