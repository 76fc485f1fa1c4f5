"""What a page keeps in its address, so that a link shows another person the same."""

from collections.abc import Collection, Sequence

import streamlit as st


def start_from_address(key: str, known: Collection[str], *, several: bool = False) -> None:
    """Let a control that was not drawn yet begin with what the address says, if it is known."""
    asked = [word for word in st.query_params.get(key, "").split(",") if word in known]
    if key in st.session_state or not asked:
        return
    st.session_state[key] = asked if several else asked[0]


def start_text_from_address(key: str) -> None:
    """Let a box that was not drawn yet begin with the text that the address holds."""
    if key not in st.session_state and key in st.query_params:
        st.session_state[key] = st.query_params[key]


def start_switch_from_address(key: str, default: bool = False) -> None:
    """Let a switch that was not drawn yet begin as the address says."""
    said = {"yes": True, "no": False}.get(st.query_params.get(key, ""), default)
    st.session_state.setdefault(key, said)


def keep_switch_in_address(key: str, value: bool, default: bool = False) -> None:
    """Write a switch into the address unless it stands as usual."""
    keep_in_address(key, "yes" if value else "no", "yes" if default else "no")


def keep_in_address(key: str, value: str | Sequence[str], default: str | Sequence[str]) -> None:
    """Write a choice into the address; what everyone gets anyway is left out."""
    if value == default:
        st.query_params.pop(key, None)
        return
    words = value if isinstance(value, str) else ",".join(value)
    if st.query_params.get(key) != words:
        st.query_params[key] = words
