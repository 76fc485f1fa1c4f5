"""A Vision GNN's graph over the picture: whom a patch listens to, and who decided."""

import streamlit as st
from PIL import Image, ImageDraw

from app import theme
from app.cache.inside import heard
from app.cache.results import outputs
from app.shared.networks import Network
from app.shared.picture import Picture
from cifar_core.data.images import to_tensor
from cifar_core.explain.render import AGAINST, SUPPORTS, enlarge
from cifar_core.inside import NodeNeighbors, graph_blocks
from cifar_core.runs.results.explanation import png, sha256_of

SIDE = 512  # pixels
OWN = "#ffffff"


def draw(network: Network, picture: Picture) -> None:
    """Draw the choice of a patch and a block, the picture, and the same in words."""
    blocks = graph_blocks(network.classifier.model)
    if not blocks:
        st.info("Only a Vision GNN builds a graph of patches. This network mixes its places by "
                "convolution or attention instead.", icon=":material/hub:")  # fmt: skip
        return
    seen, digest = to_tensor(picture.seen), sha256_of(picture.seen)
    target = int(outputs(*network.where, digest, seen)[0].argmax())
    name = network.classifier.classes[target]
    number = st.select_slider("Block", range(1, len(blocks) + 1), value=len(blocks),
                              key=f"block {network.run.id}")  # fmt: skip
    block = blocks[number - 1]
    side = heard(*network.where, digest, block, 0, target, seen).side
    with st.container(horizontal=True):
        row = st.slider("Row of the patch", 1, side, side // 2, key=f"patch row {side}")
        column = st.slider("Column", 1, side, side // 2, key=f"patch column {side}")
    place = (row - 1) * side + column - 1
    found = heard(*network.where, digest, block, place, target, seen)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        drawn = overlay(picture.seen, found, place)
        st.image(png(drawn), width="stretch", output_format="PNG",
                 alt=f"The patches that patch {row}, {column} listens to")  # fmt: skip
    with right:
        words(found, place, name)


def overlay(seen: Image.Image, found: NodeNeighbors, place: int) -> Image.Image:
    """Draw the patch in white and a frame around each neighbour, thicker the more it decided."""
    picture = enlarge(seen, SIDE)
    pen = ImageDraw.Draw(picture)
    largest = max(found.decided)
    for who, share, influence in zip(found.neighbors, found.decided, found.influence, strict=True):
        colour = SUPPORTS if influence >= 0 else AGAINST
        box = cell(who, found.key_side)
        pen.rectangle(box, outline=colour, width=2 + round(8 * share / largest))
        pen.line([middle(cell(place, found.side)), middle(box)], fill=colour, width=2)
    pen.rectangle(cell(place, found.side), outline=OWN, width=4)
    return picture


def cell(place: int, side: int) -> tuple[float, float, float, float]:
    """Return the corners of a patch on the drawn picture."""
    row, column = divmod(place, side)
    step = SIDE / side
    return column * step, row * step, (column + 1) * step - 1, (row + 1) * step - 1


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the centre of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def words(found: NodeNeighbors, place: int, name: str) -> None:
    """Say the same in words and numbers."""
    best = max(range(len(found.decided)), key=found.decided.__getitem__)
    st.markdown(
        f"It listens to **{len(found.neighbors)} patches**. The one at "
        f"**{position(found.neighbors[best], found, place)}** decides most: "
        f"{theme.percent(found.decided[best])} of the channels."
    )
    rows = [
        {
            "Row, column": position(who, found, place),
            "Likeness": round(likeness, 3),
            "Decided": theme.percent(share),
            f"For {name}": f"{influence:+.4f}",
        }
        for who, likeness, share, influence in zip(
            found.neighbors, found.similarity, found.decided, found.influence, strict=True
        )
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(
        "Nearest first; likeness is the cosine of the features. A channel is decided by the "
        "neighbour in which it is largest. The last column is what the neighbour's differences add "
        f"to the logit of {theme.safe(name)}, to first order (orange for, purple against). All "
        "heads share one graph."
    )


def position(who: int, found: NodeNeighbors, place: int) -> str:
    """Name a patch by its row and column."""
    if found.key_side == found.side and who == place:
        return "itself"
    row, column = divmod(who, found.key_side)
    return f"{row + 1}, {column + 1}"
