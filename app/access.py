"""Who may enter, and as whom: the log-in, a proxy in front, or the machine itself.

$CIFAR_ADMINS, $CIFAR_OPERATORS and $CIFAR_VIEWERS list who has which role: e-mail addresses,
"@example.org" for all of a domain, "*" for everybody who is logged in, with commas between.
"""

import ipaddress
import os

import streamlit as st

from app import theme
from cifar_core.people import ADMIN, ROLES, VIEWER, Person, role_of, somebody_here

OPEN = "CIFAR_OPEN"  # set to EVERYBODY, whoever reaches the address may do everything
EVERYBODY = "everybody"
VIEWERS = ("*",)  # of those who are logged in, unless $CIFAR_VIEWERS says otherwise


def admit() -> None:
    """Draw a page that says why and stop, unless whoever looks may enter."""
    if has_login() and not st.user.is_logged_in:
        welcome()
    elif visitor() is None:
        if has_login() or from_proxy():
            unknown()
        else:
            unprotected()
    else:
        return
    st.stop()


def visitor() -> Person | None:
    """Return who looks; None for somebody who may not even look."""
    if has_login() or from_proxy():
        name = name_of_user()
        role = role_of(name, members()) if name else None
        return Person(name=name, role=role) if role else None
    if is_loopback(str(st.get_option("server.address") or "")):
        return somebody_here()
    if os.environ.get(OPEN) == EVERYBODY:
        return Person(name="anybody", role=ADMIN)
    return None


def person() -> Person:
    """Return who looks, for what is done on their behalf; nobody gets no rights at all."""
    return visitor() or Person(name="nobody", role=VIEWER)


def has_login() -> bool:
    """Tell whether secrets.toml sets up a log-in with OpenID Connect."""
    return bool(st.secrets.load_if_toml_exists()) and "auth" in st.secrets


def from_proxy() -> bool:
    """Tell whether a proxy in front says who looks, in headers that no one else can send."""
    return bool(st.get_option("server.trustedUserHeaders"))


def name_of_user() -> str:
    """Return the address or name of who is logged in; empty if it is not known for sure."""
    user = st.user.to_dict()
    if has_login() and (not user.get("is_logged_in") or user.get("email_verified") is False):
        return ""
    return str(user.get("email") or user.get("name") or "").strip()


def members() -> dict[str, tuple[str, ...]]:
    """Return the lists of the roles, by their keys."""
    lists = {
        key: tuple(filter(None, map(str.strip, os.environ.get(variable_of(key), "").split(","))))
        for key in ROLES
    }
    return {**lists, VIEWER.key: lists[VIEWER.key] or VIEWERS}


def variable_of(role: str) -> str:
    """Return the environment variable that lists the people of a role."""
    return f"CIFAR_{role.upper()}S"


def is_loopback(address: str) -> bool:
    """Tell whether a server at this address is reached from its own machine alone."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # empty, which is every address of the machine, or a host's name
        return False


def welcome() -> None:
    """Ask for the log-in."""
    with st.container(border=True, horizontal_alignment="center"):
        st.space("medium")
        st.subheader("CIFAR Lab", anchor=False, text_alignment="center")
        st.markdown("Log in to see the runs of this lab.", text_alignment="center")
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
        st.space("medium")


def unknown() -> None:
    """Say that somebody is logged in but in no list, or that the proxy gives no name."""
    with st.container(border=True):
        name = name_of_user()
        st.subheader("You are not on the list" if name else "Nobody is logged in", anchor=False)
        if name:
            st.markdown(
                f"You are logged in as {theme.safe(name)}, who has no role here. Ask an admin of "
                "this lab to add you."
            )
        else:
            st.markdown(
                "This dashboard must be told who looks, with a confirmed e-mail address, and was "
                "not. Open it through the lab's own address, or ask an admin of this lab."
            )
        if has_login():
            st.button("Log out", icon=":material/logout:", on_click=st.logout)


def unprotected() -> None:
    """Say that the dashboard would be open to the network, and how to protect it."""
    address = str(st.get_option("server.address") or "every address of this machine")
    with st.container(border=True):
        st.subheader("This dashboard is not protected", anchor=False)
        st.markdown(
            f"It listens on {theme.safe(address)}, where others can reach it, and has no log-in. "
            "Whoever gets here could start and delete runs and fill the disk, so it shows nothing. "
            "Choose one:"
        )
        st.markdown(
            "- **Only for you:** listen on 127.0.0.1, the default, and reach it through ssh.\n"
            "- **With a log-in:** describe your provider in `app/.streamlit/secrets.toml`.\n"
            "- **Behind a proxy** that logs people in: name its header in "
            "`server.trustedUserHeaders`.\n"
            f"- **Open to all who can reach it**, who may then do everything: start it with "
            f"`{OPEN}={EVERYBODY}`."
        )
        st.caption("docs/deploy.md has an example of each.")


def badge() -> None:
    """Show who is logged in, with the way out; nothing where the machine itself is the log-in."""
    if not (has_login() or from_proxy()):
        return
    who = person()
    with st.container(horizontal=True, horizontal_alignment="right"):
        st.caption(f"{theme.safe(who.name)}, {who.role.title.lower()}", help=who.role.summary)
        if has_login():
            st.button("Log out", type="tertiary", key="logout", on_click=st.logout)
