"""The same few validation images after every epoch: which are right by now, and which are not."""

from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import boundary
from app.cache.results import images_of
from app.navigation import go
from app.session import Key, remember, remembered
from app.shared.pictures.gallery import COLUMNS, data_url, sheet
from app.shared.pictures.thumbnails import thumbnails
from cifar_core.data.listing import decoded
from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.runs.record.watched.rows import WatchedEpoch
from cifar_core.runs.results import predictions

HERE = Path(__file__).parent
SENT = 96  # pixels a side that are sent of a larger image
RECENT = 6  # epochs that an image's dots stand for
LEGEND = (
    "Solid blue: right; dashed orange: wrong. Dots: the last six epochs. "
    "A click opens the image on the Predict page."
)
CHOSEN = (
    "Eight images are chosen before the training, by the run's seed. Eight more join after the "
    "second epoch, from those that the network is then least sure of; for the epochs before that "
    "they have an empty gray dot."
)

_mount = st.components.v2.component(
    "cifar_lab.watched",
    html="<section class='lab-watched' aria-label='The images that the run watches'></section>",
    css=(HERE / "pictures.css").read_text("utf-8"),
    js=(HERE / "pictures.js").read_text("utf-8"),
    isolate_styles=False,
)


def pictures(run: Run, epochs: Sequence[WatchedEpoch]) -> None:
    """Draw the images as they were classified after the last epoch; a click asks about one."""
    with st.container():  # a part that waits for the images moves nothing when they are there
        st.markdown("**The same pictures, epoch by epoch**", help=CHOSEN)
        if not is_decoded(run):
            st.caption(
                "The pictures are not shown: the run's images are not decoded on this machine. "
                "Open them on the Data page."
            )
            return
        # once they are there, nothing may take their place, or the pictures are built again
        waits = remembered(Key.PICTURED) != run.id
        box = st.empty() if waits else None
        if box:
            box.skeleton(height=150)
        try:
            pixels = pixels_of(run, epochs[-1].images)
        except boundary.REFUSED as error:
            (box or st).caption(f"The pictures are not shown. {boundary.words(error)}")
            return
        remember(Key.PICTURED, run.id)
        with box or nullcontext():
            clicked = _mount(
                key=f"watched{run.number}", data=payload(run, epochs, pixels),
                height="content", on_opened_change=lambda: None,
            ).opened  # fmt: skip
    if clicked:
        go("predict", run=run.number, image=clicked)


def is_decoded(run: Run) -> bool:
    """Whether the run's images can be opened without decoding them first, which takes a while."""
    data = run.environment.data
    return any(
        meta.get("fingerprint") == data.usual_fingerprint
        if data.fingerprint
        else meta.get("source") == data.source
        for meta in decoded(run.store_root)
    )


def pixels_of(run: Run, indexes: Sequence[int]) -> NDArray[np.uint8]:
    """Return the pictures [n, side, side, 3]; RunError if they are not those of the run."""
    images = images_of(run)
    predictions.check(run, images.fingerprint)
    if max(indexes, default=0) >= len(images.train):
        raise RunError(
            f"Run {run.id} watches images that {run.source} does not have: it has only "
            f"{len(images.train):,} training images. Restore the images that it was trained on."
        )
    return images.train.pixels[list(indexes)]


def payload(run: Run, epochs: Sequence[WatchedEpoch], pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what the browser draws."""
    last, name, small = epochs[-1], namer(run), thumbnails(pixels, SENT)
    return {
        "sheet": data_url(sheet(small)) if len(small) else "",
        "columns": COLUMNS,
        "rows": -(-len(small) // COLUMNS),
        "sharp": small.shape[1] <= 64,
        "legend": LEGEND,
        "news": news(run, epochs),
        "pictures": [
            {
                "key": f"val-{image}",
                "right": label == predicted,
                "words": f"{name(label)}, right"
                if label == predicted
                else f"{name(label)}, taken for {name(predicted)}",
                "recent": [e.right.get(image) for e in epochs[-RECENT:]],  # None: not shown yet
            }
            for image, label, predicted in zip(
                last.images, last.labels, last.predicted, strict=True
            )
        ],
    }


def news(run: Run, epochs: Sequence[WatchedEpoch]) -> str:
    """Say which images have become right or wrong since the epoch before."""
    if len(epochs) < 2:
        return ""
    before, now = epochs[-2].right, epochs[-1]
    name = namer(run)
    changes: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for image, label in zip(now.images, now.labels, strict=True):
        if image in before and before[image] != now.right[image]:
            changes[now.right[image]][name(label)] += 1
    words = {
        says: ", ".join(f"{kind} ({n})" if n > 1 else kind for kind, n in changes[is_right].items())
        for says, is_right in (("Just learned", True), ("forgotten", False))
    }
    found = "; ".join(f"{says}: {kinds}" for says, kinds in words.items() if kinds)
    found = found[:1].upper() + found[1:]
    if found:
        return f"{found}."
    known = sum(image in before for image in now.images)
    which = "them" if known == len(now.images) else f"the first {known}"
    return f"None of {which} has changed since the epoch before."


def namer(run: Run) -> Any:
    """Return a function that names a class by its number."""
    classes = run.environment.data.classes
    return lambda number: classes[number] if number < len(classes) else f"class {number}"
