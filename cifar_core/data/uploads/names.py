"""Names of uploaded files, classes and sets: nothing that a browser says of them is trusted."""

import re
import unicodedata
from collections.abc import Container

from cifar_core.data.layout import synonyms
from cifar_core.data.sources.archive import shown
from cifar_core.errors import DataError

LONGEST_PART, LONGEST_PATH = 255, 1000  # bytes of a name, as file systems allow, and of a path
LONGEST_LABEL = 100  # characters of a class's name
LONGEST_FOLDER = 60  # characters of the name of a set's folder
DEEPEST = 16  # folders inside each other
DRIVE = re.compile(r"[A-Za-z]:")


def safe_path(name: str) -> str:
    """Return a file's name as a relative path with forward slashes, in Unicode's form NFC.

    Raises DataError for a name that leads elsewhere or that no file can have.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/")
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/") or ".." in parts or DRIVE.match(text):
        raise DataError(
            f"The name '{shown(name)}' leads outside the upload. Choose the folder or the files "
            "themselves."
        )
    refuse_odd(name, parts)
    return "/".join(parts)


def refuse_odd(name: str, parts: list[str]) -> None:
    """Raise DataError for a name that cannot be a file's."""
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError as error:
        raise DataError(f"The name '{shown(name)}' is not UTF-8. Rename the file.") from error
    if not parts or any(unicodedata.category(letter) == "Cc" for letter in name):
        raise DataError(
            f"The name '{shown(name)}' is empty or has control characters. Rename the file."
        )
    if max(sizes) > LONGEST_PART or sum(sizes) > LONGEST_PATH or len(parts) > DEEPEST:
        raise DataError(
            f"The name '{shown(name)}' is too long, or its folders lie too deep inside each other: "
            f"at most {LONGEST_PART} bytes for a name and {DEEPEST} folders. Rename or move it."
        )


def kept_path(name: str) -> str | None:
    """Return a name as `safe_path` does; "" for one that is junk, None where that refuses."""
    try:
        path = safe_path(name)
    except DataError:
        return None
    return "" if is_junk(path) else path


def is_junk(path: str) -> bool:
    """Return True for what file managers and other programs leave behind, which is not kept."""
    return any(map(synonyms.is_junk, path.split("/")))


def safe_label(name: str) -> str:
    """Return the name of a class in Unicode's form NFC; DataError if a folder cannot have it."""
    label = unicodedata.normalize("NFC", " ".join(name.split()))
    is_path = "/" in label or "\\" in label
    if (
        not label
        or is_path
        or label.startswith(".")
        or is_junk(label)
        or len(label) > LONGEST_LABEL
    ):
        raise DataError(
            f"'{shown(name)}' cannot be the name of a class. Type 1 to {LONGEST_LABEL} letters "
            "that do not begin with a dot and have no slash."
        )
    return safe_path(label)


def folder_name(title: str, taken: Container[str]) -> str:
    """Return a name for the folder of a new set that is not taken, as near to its title as is safe.

    Letters of all alphabets stay; everything else becomes a hyphen.
    """
    kept = "".join(c if c.isalnum() or c in "-_" else "-" for c in title)
    readable = re.sub(r"-+", "-", kept).strip("-_")[:LONGEST_FOLDER] or "images"
    number, name = 1, readable
    while name in taken:
        number += 1
        name = f"{readable}-{number}"
    return name


def unique(name: str, taken: Container[str]) -> str:
    """Return the name of a file that is not taken: cat.jpg, cat-2.jpg, ..."""
    stem, dot, ending = name.rpartition(".")
    stem, ending = (stem, dot + ending) if stem else (name, "")
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{stem}-{number}{ending}"
    return found
