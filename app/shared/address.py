"""What a page keeps in its address, so that a link shows another person the same page."""

from collections.abc import Collection, Sequence

import streamlit as st

from app import theme
from app.session import Key, remember, remembered


def start_from_address(key: str, options: Collection[str], *, several: bool = False) -> None:
    """Set a control that was not drawn yet to those of its options that the address names."""
    values = named(key, options)
    if key in st.session_state or not values:
        return
    st.session_state[key] = values if several else values[0]


def follow_address(key: str, options: Collection[str], *, most: int | None = None) -> None:
    """Set a control to what the address names, whenever the address has changed: by Back, a link.

    What the person has chosen since comes first. With `most` it is a choice of several.
    """
    drawn, words = key in st.session_state, st.query_params.get(key, "")
    last_words, last_value = remembered(Key.ADDRESS, {}).get(key, ("", None))
    if drawn and (words == last_words or st.session_state[key] != last_value):
        return
    values = named(key, options)
    if most is not None:
        if drawn or values:
            st.session_state[key] = values[:most]
    elif values or (drawn and words):
        st.session_state[key] = values[0] if values else None


def followed(key: str, value: str | Sequence[str] | None) -> None:
    """Remember that a control and the address agree."""
    agreed = {**remembered(Key.ADDRESS, {}), key: (st.query_params.get(key, ""), value)}
    remember(Key.ADDRESS, agreed)


def named(key: str, options: Collection[str]) -> list[str]:
    """Return those of a control's options that the address names, each once."""
    words = dict.fromkeys(st.query_params.get(key, "").split(","))
    return [word for word in words if word in options]


def not_offered(key: str, options: Collection[str]) -> str:
    """Return the choice that the address names, if it is not offered and no other was made yet."""
    asked = st.query_params.get(key, "")
    return asked if asked not in options and st.session_state.get(key) is None else ""


def left_out(key: str, options: Collection[str]) -> list[str]:
    """Return those of several choices in the address that are not offered."""
    words = (word.strip() for word in st.query_params.get(key, "").split(","))
    return [word for word in dict.fromkeys(words) if word and word not in options]


def say_left_out(words: Sequence[str]) -> None:
    """Name runs of the address that cannot be shown, so that no one takes others for them."""
    if words:
        names = ", ".join(theme.safe(f"#{theme.short(word, 40)}") for word in words)
        st.caption(f"Not shown (no result yet, or not in this store): {names}.")


def start_text_from_address(key: str) -> None:
    """Set a text box that was not drawn yet to the text in the address."""
    if key not in st.session_state and key in st.query_params:
        st.session_state[key] = st.query_params[key]


def start_switch_from_address(key: str, default: bool = False) -> None:
    """Set a switch that was not drawn yet as the address says."""
    value = {"yes": True, "no": False}.get(st.query_params.get(key, ""), default)
    st.session_state.setdefault(key, value)


def keep_switch_in_address(key: str, value: bool, default: bool = False) -> None:
    """Write a switch into the address unless it has its default."""
    keep_in_address(key, "yes" if value else "no", "yes" if default else "no")


def keep_in_address(key: str, value: str | Sequence[str], default: str | Sequence[str]) -> None:
    """Write a choice into the address unless it is the default."""
    if value == default:
        st.query_params.pop(key, None)
        return
    words = value if isinstance(value, str) else ",".join(value)
    if st.query_params.get(key) != words:
        st.query_params[key] = words


def one_name(key: str, other: str) -> None:
    """Read another name of a parameter as the page's own: links of earlier versions have it."""
    if key not in st.query_params and other in st.query_params:
        st.query_params[key] = st.query_params.pop(other)
