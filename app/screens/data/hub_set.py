"""The page of a set of the Hugging Face hub that is not here, and the field that names one."""

import streamlit as st

from app import boundary, theme
from app.navigation import go
from app.screens.data.download import download
from app.session import store
from cifar_core.data.hub import server
from cifar_core.data.hub.names import PREFIX, HubName, hub_name
from cifar_core.people import OPERATOR

MEGA = 1e6
ASK_AGAIN = 600.0  # seconds after which the hub is asked again what a set is


def hub_set(source: str) -> None:
    """Draw the page."""
    name = hub_name(source)
    st.header(theme.safe(name.title), anchor=False)
    st.markdown("A set of images on the Hugging Face hub.")
    if not store().by.may(OPERATOR):
        st.caption("An operator or an admin of this lab can download these images.")
    elif why := server.obstacle():
        st.markdown(theme.safe(why))
    else:
        offer(source, name)


def offer(source: str, name: HubName) -> None:
    """Say what the hub says of a set, and offer to download it."""
    try:
        with st.spinner("Asking the hub"):
            found = seen(source)
    except boundary.REFUSED as error:
        boundary.show(error)
        st.button("Ask again", icon=":material/refresh:", key="ask")
        return
    st.markdown(theme.safe(" \u00b7 ".join(facts(found))))
    download(source)
    st.caption(
        "After the download the images are read. Its authors describe the set on "
        f"[its page on the hub]({name.page})."
    )


@st.cache_data(ttl=ASK_AGAIN, max_entries=100, show_spinner=False)
def seen(source: str) -> server.Offered:
    """Return what the hub says of a set; DataError if it says nothing."""
    return server.look(source)


def facts(found: server.Offered) -> list[str]:
    """Say how much there is to download, its license, and which revision it is."""
    return [
        f"{theme.plural(found.files, 'file')}, {found.bytes / MEGA:,.1f} MB to download",
        f"license: {found.license}" if found.license else "no license stated",
        f"revision {found.commit[:12]}",
    ]


def hub_field() -> None:
    """Take the name of a set of the hub, and open its page."""
    with st.form("hub", border=False):
        text = st.text_input("From the Hugging Face hub", placeholder="owner/name")
        sent = st.form_submit_button("Open")
    if not sent or not (wanted := (text or "").strip()):
        return
    try:
        source = hub_name(PREFIX + wanted.removeprefix(PREFIX)).source
    except boundary.REFUSED as error:
        boundary.show(error)
        return
    go("data", set=source)
