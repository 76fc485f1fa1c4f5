"""Asks the Hugging Face hub how large a file is and which checksum it has, without an account."""

import re

from cifar_core.disk.download import RemoteFile
from cifar_core.errors import DataError

SHA256 = re.compile(r"[0-9a-f]{64}")


def is_on_hub(url: str) -> bool:
    """Return True if an address is that of a file in a repository of the hub."""
    return "/resolve/" in url


def look(url: str, name: str, timeout: float) -> RemoteFile:
    """Return a file of the hub, to be kept as `name`; `timeout` is in seconds. Raises DataError."""
    from huggingface_hub import errors, get_hf_file_metadata

    try:
        about = get_hf_file_metadata(url, token=False, timeout=timeout)
    except errors.GatedRepoError as error:
        raise DataError(
            f"{url} is given out only to people who accepted its conditions. Download the file in "
            "a browser and import it."
        ) from error
    except errors.HfHubHTTPError as error:
        raise DataError(
            f"The Hugging Face hub does not have {url}, or does not give it out ({error}). Try "
            "again later, or give the address of another copy of the file."
        ) from error
    except (errors.HTTPError, OSError, ValueError) as error:  # type: ignore[attr-defined]
        raise DataError(
            f"{url} cannot be reached ({error}). Check the network and the address, or import a "
            "copy of the file."
        ) from error
    if not about.size or not SHA256.fullmatch(about.etag or ""):
        raise DataError(
            f"The Hugging Face hub states no size or no sha256 of {url}, so a download could not "
            "be checked. Download the file in a browser and import it."
        )
    return RemoteFile(url=url, sha256=about.etag or "", bytes=about.size, name=name)
