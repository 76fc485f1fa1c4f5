"""The types of the values in small files, so that no page fails because of an unexpected value.

A file with other values was edited by hand or is damaged; either way it is not used.
"""

import sys
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T")
LONGEST = 10_000  # characters of a text
MOST_ITEMS = 100_000  # of a list
WHOLE_CHARACTERS = (
    "\\A[^\ud800-\udfff]*\\Z"  # JSON can escape half a character, which UTF-8 cannot encode
)
LARGEST = 2**63 - 1
MOST_CLASSES = 1000  # of a data set

# a text that a page can show, and one of any length, such as a program's last message
Text: TypeAlias = Annotated[str, Meta(max_length=LONGEST, pattern=WHOLE_CHARACTERS)]
LongText: TypeAlias = Annotated[str, Meta(pattern=WHOLE_CHARACTERS)]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST)]
Number: TypeAlias = (  # finite
    Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
    | Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
)
Moment: TypeAlias = (  # unix seconds that a date can be made of
    Annotated[int, Meta(ge=0, lt=10**11)] | Annotated[float, Meta(ge=0, lt=1e11)]
)
Scalar: TypeAlias = Text | Number | bool
Texts: TypeAlias = Annotated[list[Text], Meta(max_length=MOST_ITEMS)]
Numbers: TypeAlias = Annotated[list[Number], Meta(max_length=MOST_ITEMS)]
ClassNames: TypeAlias = Annotated[list[Text], Meta(max_length=MOST_CLASSES)]
ClassCounts: TypeAlias = Annotated[list[Whole], Meta(max_length=MOST_CLASSES)]


class Identity(Struct, frozen=True, kw_only=True):
    """A process, as `lock.identity` names it."""

    boot: Text = ""
    pid: Whole = 0
    start: Scalar = ""


def as_type(value: Any, expected: type[T]) -> T:
    """Convert a plain value to the expected type; ValueError if it does not fit."""
    return msgspec.convert(value, expected)


def is_a(value: Any, expected: Any) -> bool:
    """Return True if a plain value fits a type."""
    try:
        as_type(value, expected)
    except ValueError:
        return False
    return True


def readable(name: str) -> str:
    """Return a name from the disk as text that can be shown and saved.

    Bytes that are not UTF-8, which Python reads as half characters, become question marks.
    """
    return name.encode("utf-8", "replace").decode("utf-8")
