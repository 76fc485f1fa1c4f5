"""The kinds of values that small files may hold, as types, so that no page trips over a value.

A file that says otherwise was made by hand or is damaged; either way it is not used.
"""

import sys
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")
LONGEST = 10_000  # characters of a text
MOST_ITEMS = 100_000  # of a list
WHOLE_CHARACTERS = "\\A[^\ud800-\udfff]*\\Z"  # JSON can say half of one, and no file can hold it
LARGEST = 2**63 - 1

# a text that can be drawn, and one of any length, such as the last words of a program
Text: TypeAlias = Annotated[str, Meta(max_length=LONGEST, pattern=WHOLE_CHARACTERS)]
LongText: TypeAlias = Annotated[str, Meta(pattern=WHOLE_CHARACTERS)]
Whole: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST)]
Number: TypeAlias = (  # finite
    Annotated[int, Meta(ge=-LARGEST, le=LARGEST)]
    | Annotated[float, Meta(ge=-sys.float_info.max, le=sys.float_info.max)]
)
Moment: TypeAlias = (  # unix seconds that a calendar knows
    Annotated[int, Meta(ge=0, lt=10**11)] | Annotated[float, Meta(ge=0, lt=1e11)]
)
Scalar: TypeAlias = Text | Number | bool
Texts: TypeAlias = Annotated[list[Text], Meta(max_length=MOST_ITEMS)]
Numbers: TypeAlias = Annotated[list[Number], Meta(max_length=MOST_ITEMS)]


def as_kind(value: Any, kind: type[T]) -> T:
    """Return a plain value as one of its kind; ValueError if it is of another."""
    return msgspec.convert(value, kind)


def is_a(value: Any, kind: Any) -> bool:
    """Tell whether a plain value is of a kind."""
    try:
        as_kind(value, kind)
    except ValueError:
        return False
    return True
