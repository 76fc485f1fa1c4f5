"""A Vision GNN's graph over the picture: a patch's neighbors, and how much each contributes."""

import streamlit as st
from PIL import Image, ImageDraw

from app import theme
from app.cache.inside import patch_neighbors
from app.cache.results import outputs
from app.shared.networks import Network
from app.shared.pictures.picture import Picture
from cifar_core.data.pictures.images import tensor_of
from cifar_core.explain.render import enlarge
from cifar_core.inside import NodeNeighbors, graph_blocks
from cifar_core.palette import AGAINST, SUPPORTS
from cifar_core.runs.results.explanation import png, sha256_of

SIDE = 512  # pixels
OWN = "#ffffff"


def draw(network: Network, picture: Picture) -> None:
    """Draw the choice of a block and a patch, its neighbors on the picture, and in a table."""
    blocks = graph_blocks(network.classifier.model)
    if not blocks:
        st.info("Only a Vision GNN builds a graph of patches. This network is not one.",
                icon=":material/hub:")  # fmt: skip
        return
    seen, digest = tensor_of(picture.seen), sha256_of(picture.seen)
    target = int(outputs(*network.where, digest, seen)[0].argmax())
    name = network.classifier.classes[target]
    number = st.select_slider("Block", range(1, len(blocks) + 1), value=len(blocks),
                              key=f"block {network.run.id}")  # fmt: skip
    block = blocks[number - 1]
    side = patch_neighbors(*network.where, digest, block, 0, target, seen).side
    with st.container(horizontal=True):
        row = st.slider("Row of the patch", 1, side, side // 2, key=f"patch row {side}")
        column = st.slider("Column", 1, side, side // 2, key=f"patch column {side}")
    patch = (row - 1) * side + column - 1
    neighbors = patch_neighbors(*network.where, digest, block, patch, target, seen)
    left, right = st.columns([1.2, 1], gap="medium")
    with left:
        drawn = overlay(picture.seen, neighbors, patch)
        st.image(png(drawn), width="stretch", output_format="PNG",
                 alt=f"The neighbors of the patch in row {row}, column {column}")  # fmt: skip
    with right:
        neighbor_table(neighbors, patch, name)


def overlay(seen: Image.Image, neighbors: NodeNeighbors, patch: int) -> Image.Image:
    """Draw the patch in white and a frame around each neighbor, thicker the more it decided."""
    picture = enlarge(seen, SIDE)
    pen = ImageDraw.Draw(picture)
    largest = max(neighbors.decided)
    for index, share, influence in zip(
        neighbors.neighbors, neighbors.decided, neighbors.influence, strict=True
    ):
        color = SUPPORTS if influence >= 0 else AGAINST
        box = cell(index, neighbors.key_side)
        pen.rectangle(box, outline=color, width=2 + round(8 * share / largest))
        pen.line([middle(cell(patch, neighbors.side)), middle(box)], fill=color, width=2)
    pen.rectangle(cell(patch, neighbors.side), outline=OWN, width=4)
    return picture


def cell(index: int, side: int) -> tuple[float, float, float, float]:
    """Return the corners of a patch on the drawn picture."""
    row, column = divmod(index, side)
    step = SIDE / side
    return column * step, row * step, (column + 1) * step - 1, (row + 1) * step - 1


def middle(box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Return the center of a box."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def neighbor_table(neighbors: NodeNeighbors, patch: int, name: str) -> None:
    """Draw a sentence about the neighbors, and a table of them."""
    best = max(range(len(neighbors.decided)), key=neighbors.decided.__getitem__)
    where = position(neighbors.neighbors[best], neighbors, patch)
    decider = where if where == "itself" else "row {}, column {}".format(*where.split(", "))
    st.markdown(
        f"It is connected to **{len(neighbors.neighbors)} patches**. None decides more of the "
        f"channels than **{decider}**: {theme.percent(neighbors.decided[best])}."
    )
    rows = [
        {
            "Row, column": position(index, neighbors, patch),
            "Similarity": round(similarity, 3),
            "Channels": theme.percent(share),
            f"For {name}": f"{influence:+.4f}",
        }
        for index, similarity, share, influence in zip(
            neighbors.neighbors,
            neighbors.similarity,
            neighbors.decided,
            neighbors.influence,
            strict=True,
        )
    ]
    st.dataframe(rows, hide_index=True)
    st.caption(
        "Nearest first. Similarity is the cosine of the features. A channel is decided by the "
        "neighbor in which it is largest. The last column is what the differences to the neighbor "
        f"add to the logit of {theme.safe(name)}, to first order (orange for it, purple against "
        "it). All heads share one graph."
    )


def position(index: int, neighbors: NodeNeighbors, patch: int) -> str:
    """Return a neighbor's row and column, or "itself" for the patch."""
    if neighbors.key_side == neighbors.side and index == patch:
        return "itself"
    row, column = divmod(index, neighbors.key_side)
    return f"{row + 1}, {column + 1}"
