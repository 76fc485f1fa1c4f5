"""The Explain page: what a trained network sees in a picture, and which parts made it decide."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import streamlit as st
from PIL import Image

from app import theme
from app.components import trust
from app.components.pictures import Picture, choose_pictures
from app.navigation import link
from app.session import classifier, saliency, store
from cifar_core.data.images import network_view, seen_box, to_tensor
from cifar_core.errors import CifarError
from cifar_core.explain import SALIENCY, suitable
from cifar_core.explain.render import enlarge, overlay
from cifar_core.inference import Classifier, predict, top
from cifar_core.runs import CheckpointInfo, Run, RunRow

SIDE = 320  # pixels to which small pictures are enlarged
PREDICTED = "Predicted class"


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network that is asked."""

    run: Run
    checkpoint: CheckpointInfo
    classifier: Classifier


def page() -> None:
    """Draw the page; Streamlit calls this again on every interaction."""
    st.header("Explain", anchor=False)
    rows = [row for row in store().runs() if row.best_val_accuracy is not None]
    if not rows:
        nothing_trained()
        return
    left, right = st.columns([1, 2.4], gap="large")
    with left:
        network = choose_network(rows)
        if network is None:
            return
        pictures = choose_pictures(network.run)
        methods, target, opacity = choose_view(network.classifier)
    with right:
        if not pictures:
            invitation()
        for place, picture in enumerate(pictures):
            result(network, picture, methods, target, opacity, place)


def nothing_trained() -> None:
    """Say what to do when no run has learned anything yet."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("medium")
        st.subheader("Nothing to explain yet", anchor=False, text_alignment="center")
        st.markdown("Train a network first; it can be asked from its first epoch on.",
                    text_alignment="center")  # fmt: skip
        link("new_run", "Set up a run", ":material/play_arrow:", preset="smoke")
        st.space("medium")


def invitation() -> None:
    """Say what appears here."""
    with st.container(border=True):
        st.markdown("**Add a picture**, or pick one of the test images.")
        st.caption(
            "You will see the five likeliest classes, the 32 x 32 pixels that the network sees, "
            "and which parts of the picture mattered for its answer."
        )


def choose_network(rows: Sequence[RunRow]) -> Network | None:
    """Let the person choose a run, and load its best weights."""
    titles = {
        str(row.number): f"#{row.number} {row.name}, {theme.percent(row.best_val_accuracy)}"
        for row in rows
    }
    asked = st.query_params.get("run", "")
    number = st.selectbox(
        "Run", list(titles), index=list(titles).index(asked) if asked in titles else 0,
        format_func=titles.__getitem__, key="run", on_change=keep_run_in_address,
        help="With its accuracy on the validation images. The weights of its best epoch are used.",
    )  # fmt: skip
    try:
        run = store().run(number)
        checkpoint = run.checkpoint("best")
        with st.spinner("Loading the network", show_time=False):
            model = classifier(str(run.path), checkpoint.name)
    except CifarError as error:
        st.error(theme.safe(str(error)), icon=":material/error:")
        return None
    return Network(run=run, checkpoint=checkpoint, classifier=model)


def keep_run_in_address() -> None:
    """Put the chosen run into the address, so that it can be shared."""
    st.query_params["run"] = st.session_state["run"]


def choose_view(network: Classifier) -> tuple[list[str], str, float]:
    """Let the person choose methods, the class to explain, and how strong the colours are."""
    offered = suitable(network)
    methods = st.pills(
        "Methods", [spec.key for spec in offered], selection_mode="multi",
        default=[spec.key for spec in offered if spec.automatic], key=f"methods{len(offered)}",
        format_func=lambda key: SALIENCY[key].title, persist_state="session", wrap=True,
    )  # fmt: skip
    if network.layer_note:
        st.caption(f"No class-activation maps: {theme.safe(network.layer_note)}")
    target = st.selectbox(
        "Class to explain", [PREDICTED, *network.classes], key="target",
        help="Why this class, or what would speak for another one?",
    )  # fmt: skip
    opacity = st.slider(
        "Opacity", 0, 100, 80, step=5, format="%d %%", key="opacity", persist_state="session"
    )
    with st.expander("What the methods answer"):
        for spec in offered:
            st.markdown(f"**{spec.title}.** {spec.summary} [Paper]({spec.paper})")
        st.caption("A map shows what the network used, which need not be what it should use.")
    return methods, target, opacity / 100


def result(
    network: Network,
    picture: Picture,
    methods: Sequence[str],
    target: str,
    opacity: float,
    place: int,
) -> None:
    """Draw the answer for one picture, and what it rests on."""
    model = network.classifier
    view = to_tensor(picture.image)
    answers = top(model, predict(model, view)[0])
    aim = model.classes.index(answers[0][0] if target == PREDICTED else target)
    with st.container(border=True, key=f"result{place}"):
        st.markdown(f"**{theme.safe(picture.name)}**  \n{verdict(answers, picture.truth)}")
        if note := picture.image.info.get("note"):
            st.caption(theme.safe(note))
        left, right = st.columns([1, 2.4], gap="medium")
        with left:
            likeliest(answers)
        with right, st.grid(2 if len(methods) <= 2 else 3, min_column_width=140):
            shown(large(picture.image), "The picture")
            shown(enlarge(network_view(picture.image), SIDE), "What the network sees")
            for key in methods:
                explained(network, picture, key, aim, opacity)


def verdict(answers: Sequence[tuple[str, float]], truth: str) -> str:
    """Say what the network answered and, if that is known, whether it is right."""
    name, share = answers[0]
    words = f"{theme.safe(name).capitalize()}, {theme.percent(share)} sure."
    if not truth:
        return words
    return words + (" That is right." if name == truth else f" In truth: {theme.safe(truth)}.")


def likeliest(answers: Sequence[tuple[str, float]]) -> None:
    """Draw the five likeliest classes as bars."""
    with st.container(gap="xsmall"):
        for name, share in answers:
            st.progress(min(1.0, max(0.0, share)), text=f"{name} {theme.percent(share)}")


def large(image: Image.Image) -> Image.Image:
    """Enlarge a small picture so that its pixels stay squares."""
    return enlarge(image, SIDE) if max(image.size) < SIDE else image


def shown(image: Image.Image, caption: str) -> None:
    """Draw a picture as it is: lossless, since JPEG would blur single pixels."""
    file = BytesIO()
    image.save(file, "PNG", compress_level=1)
    st.image(file.getvalue(), caption, width="stretch", output_format="PNG", alt=caption)


def explained(network: Network, picture: Picture, method: str, target: int, opacity: float) -> None:
    """Draw one method's overlay on the picture."""
    spec = SALIENCY[method]
    map_ = saliency(
        str(network.run.path), network.checkpoint.name, method, target, picture.digest,
        to_tensor(picture.image),
    )  # fmt: skip
    photo = large(picture.image)
    drawn = overlay(photo, map_, box=seen_box(photo), signed=spec.signed, opacity=opacity)
    with st.container(gap="xsmall"):
        shown(drawn, f"{spec.title} for {network.classifier.classes[target]}")
        trust.badge(network, picture, method, map_, target)
