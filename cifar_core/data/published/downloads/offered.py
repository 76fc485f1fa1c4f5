"""What can be downloaded: the published sets by their keys, and those of the hub by their names."""

from cifar_core.data.hub.names import is_hub_name
from cifar_core.data.published.downloads.download import Download
from cifar_core.data.published.downloads.from_hub import of_hub
from cifar_core.data.published.downloads.with_torchvision import of_published
from cifar_core.data.published.places import PUBLISHED
from cifar_core.errors import CifarError


def download_of(source: str) -> Download:
    """Return the download of a source; CifarError if there is none."""
    return of_hub(source) if is_hub_name(source) else of_published(PUBLISHED[source])


def title_of(source: str) -> str:
    """Return the title of what is downloaded, also for a source of a later version."""
    try:
        return download_of(source).title
    except CifarError:
        return "Another set"
