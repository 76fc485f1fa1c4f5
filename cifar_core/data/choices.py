"""What the images that a run can start with are called where a person chooses among them."""

from collections.abc import Iterable

from cifar_core.data.listing import DataStatus
from cifar_core.data.sources import synthetic


def titles_of(offered: Iterable[DataStatus]) -> dict[str, str]:
    """Map the sources that a run can start with now, and 'auto', to what they are called.

    Those that were found under a path keep it, since two of them may have the same title.
    """
    ready = [one for one in offered if one.ready]
    default = next((one for one in ready if one.default), None)
    names = {one.source: one.title if one.kind != "folder" else one.source for one in ready}
    alone = " (nothing else is here)" if len(ready) == 1 else ""
    automatic = f"Automatic: {default.title}{alone}" if default else "Automatic"
    return {"auto": automatic, **names, "synthetic": synthetic.TITLE}
