"""One picture's card: what the networks answer, and the maps that say why."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from PIL import Image

from app import theme
from app.pages.explain import trust
from app.pages.explain.answers import Answer, explanations
from app.pages.explain.certainty import certainty
from app.pages.explain.picture_edits import edit_controls
from app.pages.explain.question import EVERY, Asked, warning_badge
from app.shared.picture import Picture
from cifar_core.errors import CifarError
from cifar_core.explain import SALIENCY
from cifar_core.explain.render import enlarge, scaled
from cifar_core.runs.results.explanation import Drawing, Explanation, png

SIDE = 320  # pixels to which small pictures are enlarged
LIKELIEST = 5
Shown = list[tuple[Explanation, Drawing]]


def card(given: Sequence[Answer], asked: Asked, limits: dict[str, float], place: int) -> Shown:
    """Draw everything about one picture; return the maps that were drawn."""
    picture = given[0].picture
    with st.container(border=True, key=f"result{place}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = f"**{theme.safe(picture.name)}**"
            if len(given) == 1:
                words += f"  \n{verdict(given[0])}"
            st.markdown(words, width="stretch")
            edit_controls(picture)
            button = st.container(width="content")
        if note := picture.image.info.get("note"):
            st.caption(theme.safe(note))
        shown = alone(given[0], asked, limits) if len(given) == 1 else beside(given, asked, limits)
        with button:
            download(shown, f"{picture.name}.zip", given, key=f"download{place}")
    return shown


def alone(given: Answer, asked: Asked, limits: dict[str, float]) -> Shown:
    """Draw one network's answer: the classes on the left, pictures on the right."""
    left, right = st.columns([1, 2.4], gap="medium")
    with left:
        likeliest(given)
        certainty(given)
    with right, st.grid(2 if len(asked.methods) <= 2 else 3, min_column_width=140):
        pictures(given.picture)
        if asked.why != EVERY:
            return maps(given, asked, limits)
    return maps(given, asked, limits)


def beside(given: Sequence[Answer], asked: Asked, limits: dict[str, float]) -> Shown:
    """Draw the answers of several networks in a column each."""
    with st.grid(4, min_column_width=140):
        pictures(given[0].picture)
    shown = []
    for column, each in zip(st.columns(len(given), gap="medium"), given, strict=True):
        with column:
            run = each.network.run
            st.markdown(f"**#{run.number} {theme.safe(run.name)}**  \n{verdict(each)}")
            likeliest(each)
            certainty(each)
            shown += maps(each, asked, limits)
    return shown


def pictures(picture: Picture) -> None:
    """Draw the picture and what the network sees of it."""
    image(large(picture.photo), "The picture")
    image(enlarge(picture.seen, SIDE), "What the network sees")


def maps(given: Answer, asked: Asked, limits: dict[str, float]) -> Shown:
    """Draw the maps of every method; return them."""
    shown: Shown = []
    for method in asked.methods:
        drawing = Drawing(opacity=asked.opacity, keep=asked.keep, limit=limits.get(method))
        try:
            found = explanations(given, asked, method)
        except CifarError as error:
            st.caption(theme.safe(str(error)))
            continue
        if asked.why == EVERY:
            row(found, drawing, dict(given.ranked))
        else:
            one(found[0], drawing, given.picture)
        shown += [(each, drawing) for each in found]
    return shown


def one(explanation: Explanation, drawing: Drawing, picture: Picture) -> None:
    """Draw a map with what is known about its method, and how far it can be trusted."""
    spec = SALIENCY[explanation.question.method]
    with st.container(gap="xsmall"):
        image(drawn(explanation, drawing), f"{spec.title} for {explanation.question.title}")
        if spec.warning:
            warning_badge(spec)
        trust.badge(explanation, picture)


def row(found: Sequence[Explanation], drawing: Drawing, shares: dict[str, float]) -> None:
    """Draw the maps of all classes in one row, the likeliest first."""
    spec = SALIENCY[found[0].question.method]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{spec.title}**", width="content")
        if spec.warning:
            warning_badge(spec)
    with st.grid(len(found), min_column_width=64, gap="xsmall"):
        for each in found:
            name = each.question.target
            image(drawn(each, drawing, small=True), f"{name} {theme.percent(shares[name], 0)}")


def drawn(explanation: Explanation, drawing: Drawing, *, small: bool = False) -> Image.Image:
    """Lay a map over its picture, brought first to a size that suits its place."""
    photo = large(explanation.photo)
    if small:
        photo = photo.copy()
        photo.thumbnail((SIDE // 2, SIDE // 2))
    box = scaled(explanation.box, explanation.photo.size, photo.size)
    return replace(explanation, photo=photo, box=box).overlay(drawing)


def large(picture: Image.Image) -> Image.Image:
    """Enlarge a small picture so that its pixels stay squares."""
    return enlarge(picture, SIDE) if max(picture.size) < SIDE else picture


def image(picture: Image.Image, caption: str) -> None:
    """Draw a picture as it is: lossless, since JPEG would blur single pixels."""
    st.image(png(picture), caption, width="stretch", output_format="PNG", alt=caption)


def verdict(given: Answer) -> str:
    """Say what the network answered and, if that is known, whether it is right."""
    (name, share), truth = given.ranked[0], given.picture.truth
    words = f"{theme.safe(name).capitalize()}, {theme.percent(share)} sure."
    if not truth:
        return words
    return words + (" That is right." if name == truth else f" In truth: {theme.safe(truth)}.")


def likeliest(given: Answer) -> None:
    """Draw the likeliest classes as bars; with a cover, before and after it side by side."""
    now = dict(given.ranked)
    names = [name for name, _ in given.uncovered[:LIKELIEST]]
    if not given.picture.cover:
        bars(names, now)
        return
    left, right = st.columns(2, gap="small", wrap=False)
    with left:
        st.caption("As it is")
        bars(names, dict(given.uncovered))
    with right:
        st.caption("Covered")
        bars(names, now)


def bars(names: Sequence[str], shares: dict[str, float]) -> None:
    """Draw a bar for each class."""
    with st.container(gap="xsmall"):
        for name in names:
            share = min(1.0, max(0.0, shares[name]))
            st.progress(share, text=f"{name} {theme.percent(shares[name])}")


def download(
    shown: Shown, file: str, given: Sequence[Answer], key: str, label: str = "Download"
) -> None:
    """Offer maps as a ZIP: pictures, arrays, records that reproduce them, and predictions."""

    def content() -> bytes:
        return zipped(shown, given)

    st.download_button(
        label, content, file, "application/zip", key=key, on_click="ignore",
        icon=":material/download:", type="tertiary",
        help="Pictures, arrays, and records from which the same maps can be made again.",
    )  # fmt: skip


def zipped(shown: Shown, given: Sequence[Answer]) -> bytes:
    """Return a ZIP of the files of maps and a table of the predictions."""
    files = {"predictions.csv": predictions(given)}
    for explanation, drawing in shown:
        files |= explanation.files(drawing)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def predictions(given: Sequence[Answer]) -> bytes:
    """Return the likeliest classes of every picture and run as a CSV table."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["picture", "truth", "run", "class", "probability", "raw probability"])
    for each in given:
        raw, picture = dict(each.raw), each.picture
        for name, share in each.ranked[:LIKELIEST]:
            shares = f"{share:.6f}", f"{raw[name]:.6f}"
            table.writerow([picture.name, picture.truth, each.network.run.id, name, *shares])
    return text.getvalue().encode()
