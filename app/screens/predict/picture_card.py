"""One picture's card: the networks' predictions, and the saliency maps that explain them."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import replace

import streamlit as st
from PIL import Image

from app import boundary, theme
from app.screens.predict import trust
from app.screens.predict.confidence import confidence
from app.screens.predict.picture_edits import edit_controls
from app.screens.predict.predictions import Prediction, explanations
from app.screens.predict.request import EVERY, Request, warning_badge
from app.shared.pictures.picture import Picture
from cifar_core.disk.tables import as_csv
from cifar_core.explain import SALIENCY
from cifar_core.explain.render import enlarge, scaled
from cifar_core.runs.results.explanation import Drawing, Explanation, png

SIDE = 320  # pixels; smaller pictures are enlarged to this
LIKELIEST = 5
Group = Sequence[Prediction]  # of one picture, one per network
Limits = dict[str, float]  # the value in full color, by method
Shown = list[tuple[Explanation, Drawing]]


def card(group: Group, request: Request, limits: Limits, number: int) -> Shown:
    """Draw everything about one picture; return the maps that were drawn."""
    picture, alone = group[0].picture, len(group) == 1
    with st.container(border=True, key=f"result{number}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            words = f"**{theme.safe(picture.name)}**"
            if alone:
                words += f"  \n{sentence(group[0])}"
            st.markdown(words, width="stretch")
            edit_controls(picture)
            button = st.container(width="content")
        if note := picture.image.info.get("note"):
            st.caption(theme.safe(note))
        shown = (one_network if alone else side_by_side)(group, request, limits)
        with button:
            download(shown, f"{picture.name}.zip", group, key=f"download{number}")
    return shown


def one_network(group: Group, request: Request, limits: Limits) -> Shown:
    """Draw one network's prediction: the classes on the left, pictures on the right."""
    (prediction,) = group
    left, right = st.columns([1, 2.4], gap="medium")
    with left:
        likeliest(prediction)
        confidence(prediction)
    with right, st.grid(2 if len(request.methods) <= 2 else 3, min_column_width=140):
        pictures(prediction.picture)
        if request.why != EVERY:
            return maps(prediction, request, limits)
    return maps(prediction, request, limits)


def side_by_side(group: Group, request: Request, limits: Limits) -> Shown:
    """Draw the predictions of several networks, one column per network."""
    with st.grid(4, min_column_width=140):
        pictures(group[0].picture)
    shown = []
    for column, prediction in zip(st.columns(len(group), gap="medium"), group, strict=True):
        with column:
            run = prediction.network.run
            st.markdown(f"**#{run.number} {theme.safe(run.name)}**  \n{sentence(prediction)}")
            likeliest(prediction)
            confidence(prediction)
            shown += maps(prediction, request, limits)
    return shown


def pictures(picture: Picture) -> None:
    """Draw the picture and the pixels that the network sees."""
    image(large(picture.photo), "The picture")
    image(enlarge(picture.seen, SIDE), "What the network sees")


def maps(prediction: Prediction, request: Request, limits: Limits) -> Shown:
    """Draw the maps of every method; return them."""
    shown: Shown = []
    for method in request.methods:
        drawing = Drawing(opacity=request.opacity, keep=request.keep, limit=limits.get(method))
        try:
            made = explanations(prediction, request, method)
        except boundary.REFUSED as error:
            st.caption(boundary.words(error))
            continue
        if request.why == EVERY:
            row_of_maps(made, drawing, dict(prediction.ranked))
        else:
            one_map(made[0], drawing, prediction.picture)
        shown += [(explanation, drawing) for explanation in made]
    return shown


def one_map(explanation: Explanation, drawing: Drawing, picture: Picture) -> None:
    """Draw a map with its method's warning, if any, and how far the map can be trusted."""
    spec = SALIENCY[explanation.question.method]
    with st.container(gap="xsmall"):
        image(drawn(explanation, drawing), f"{spec.title} for {explanation.question.title}")
        if spec.warning:
            warning_badge(spec)
        trust.badge(explanation, picture)


def row_of_maps(made: Sequence[Explanation], drawing: Drawing, shares: dict[str, float]) -> None:
    """Draw the maps of all classes in one row, the likeliest class first."""
    spec = SALIENCY[made[0].question.method]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"**{spec.title}**", width="content")
        if spec.warning:
            warning_badge(spec)
    with st.grid(len(made), min_column_width=64, gap="xsmall"):
        for explanation in made:
            name = explanation.question.target
            words = f"{name} {theme.confidence(shares[name], 0)}"
            image(drawn(explanation, drawing, small=True), words)


def drawn(explanation: Explanation, drawing: Drawing, *, small: bool = False) -> Image.Image:
    """Return a picture with its map, at a size that suits a single map or a row of them."""
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
    """Draw a picture as PNG, since JPEG would blur single pixels."""
    st.image(png(picture), caption, width="stretch", output_format="PNG", alt=caption)


def sentence(prediction: Prediction) -> str:
    """Say what the network predicts and, if the true class is known, whether it is correct."""
    (name, share), truth = prediction.ranked[0], prediction.picture.truth
    words = f"{theme.safe(name).capitalize()}, {theme.confidence(share)} confidence."
    if not truth:
        return words
    return words + (" Correct." if name == truth else f" The true class is {theme.safe(truth)}.")


def likeliest(prediction: Prediction) -> None:
    """Draw the likeliest classes as bars; with a cover, also those without it."""
    now = dict(prediction.ranked)
    names = [name for name, _ in prediction.uncovered[:LIKELIEST]]
    if not prediction.picture.cover:
        bars(names, now)
        return
    left, right = st.columns(2, gap="small", wrap=False)
    with left:
        st.caption("Uncovered")
        bars(names, dict(prediction.uncovered))
    with right:
        st.caption("Covered")
        bars(names, now)


def bars(names: Sequence[str], probabilities: dict[str, float]) -> None:
    """Draw one bar per class."""
    with st.container(gap="xsmall"):
        for name in names:
            share = min(1.0, max(0.0, probabilities[name]))
            st.progress(share, text=f"{name} {theme.confidence(probabilities[name])}")


def download(
    shown: Shown, file: str, predictions: Sequence[Prediction], key: str, label: str = "Download"
) -> None:
    """Offer maps as a ZIP: pictures, arrays, records that reproduce them, and predictions."""

    def content() -> bytes:
        return zipped(shown, predictions)

    st.download_button(
        label, content, file, "application/zip", key=key, on_click="ignore",
        icon=":material/download:", type="tertiary",
        help="The maps as pictures, as arrays and as records that reproduce them, and a table of "
        "the predictions.",
    )  # fmt: skip


def zipped(shown: Shown, predictions: Sequence[Prediction]) -> bytes:
    """Return a ZIP of the files of maps and a table of the predictions."""
    files = {"predictions.csv": table_of(predictions)}
    for explanation, drawing in shown:
        files |= explanation.files(drawing)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def table_of(predictions: Sequence[Prediction]) -> bytes:
    """Return the likeliest classes of every picture and run as a CSV table."""
    lines = []
    for prediction in predictions:
        raw, picture = dict(prediction.raw), prediction.picture
        for name, share in prediction.ranked[:LIKELIEST]:
            lines.append(
                {
                    "picture": picture.name,
                    "truth": picture.truth,
                    "run": prediction.network.run.id,
                    "class": name,
                    "probability": f"{share:.6f}",
                    "raw probability": f"{raw[name]:.6f}",
                }
            )
    return as_csv(lines).encode()
