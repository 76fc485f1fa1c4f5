"""The page docs/published-sets.md, which `make docs` writes."""

from cifar_core.data.published.entries.left_out import LEFT_OUT
from cifar_core.data.published.places import PUBLISHED
from cifar_core.data.published.published_set import PublishedSet

INTRODUCTION = """\
# Published sets of images

`make docs` writes this page from the entries in `cifar_core/data/published/entries/`. A key, or a
title, names a set everywhere: `--data cifar100`, `/data?set=cifar100`, and
`python -m cifar_core data fetch cifar100`.

Sets are downloaded by torchvision's own code, whose addresses and checksums are used; only its
functions that receive and unpack are exchanged, so that a download shows its progress, can be
canceled, and continues where it stopped. They lie in `data/published/` of the store. A folder of
one's own with the files of a set is recognized as well: torchvision's folder, the one above it, or
for some sets the archive that the authors offer. Labels come from the authors' lists; nothing in
the files is run.

Images that the authors set aside for validation are used for that, and their test images for the
test. Where no test images have labels, as in ImageNet, the authors' validation images are the test
images here. Where the authors name no test images ("drawn"), some of each class are set aside, as
for a person's own images. EMNIST has six parts, which share one download; `emnist` is *balanced*.
"""
COLUMNS = (
    "| key | set | classes | training | validation | test | download | who made it, and license |"
)


def markdown() -> str:
    """Return the page: a table of the sets, and the classes of torchvision that are left out."""
    rows = [row(spec) for spec in PUBLISHED.values()]
    others = [f"- `{name}` {why}." for name, why in LEFT_OUT.items()]
    return "\n".join([
        INTRODUCTION, COLUMNS, "|---|---|--:|--:|--:|--:|--:|---|", *rows, "",
        "## By hand", "", *by_hand(), "",
        "## Not offered", "",
        "These classes of `torchvision.datasets` are left out, each for a reason:",
        "", *others, "",
    ])  # fmt: skip


def row(spec: PublishedSet) -> str:
    """Return the table row of one entry."""
    title = f"[{spec.title}]({spec.source})" + (f" ([paper]({spec.paper}))" if spec.paper else "")
    cells = [
        f"`{spec.key}`",
        f"{title}. {spec.summary}",
        f"{spec.classes:,}",
        f"{spec.train:,}",
        f"{spec.val:,}" if spec.val else "",
        f"{spec.test:,}" if spec.test else "drawn",
        "by hand" if spec.by_hand else spec.size or "size not known",
        spec.origin,
    ]
    return f"| {' | '.join(cells)} |"


def by_hand() -> list[str]:
    """Return how to get each set that no program may download."""
    return [f"- {spec.title}: {spec.by_hand}" for spec in PUBLISHED.values() if spec.by_hand]
