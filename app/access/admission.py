"""Who may enter, and as whom: decided by a login, a proxy in front, or the machine itself.

$CIFAR_ADMINS, $CIFAR_OPERATORS and $CIFAR_VIEWERS list who has which role: e-mail addresses,
"@example.org" for all of a domain, "*" for everyone who is logged in, separated by commas.
"""

import ipaddress
import os
from collections.abc import Mapping
from typing import Any

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import theme
from app.access import admitted, upload_limits
from app.access.login import FAILURES, has_login, obstacle
from cifar_core.people import ADMIN, ROLES, VIEWER, Person, local_user, role_of

OPEN = "CIFAR_OPEN"  # if set to EVERYBODY, anyone who reaches the address may do everything
EVERYBODY = "everybody"
VIEWERS = ("*",)  # everyone who is logged in, unless $CIFAR_VIEWERS says otherwise


def admit() -> None:
    """Stop with a page that says why, unless the visitor may enter."""
    if has_login() and (why := obstacle()):
        unfinished(why)
    elif has_login() and not st.user.is_logged_in:
        welcome()
    elif (who := visitor()) is None:
        if has_login() or from_proxy():
            unknown()
        else:
            unprotected()
    else:
        context = get_script_run_ctx()
        if context:
            admitted.add(context.session_id, who)
        upload_limits.give_back()
        return
    st.stop()


def visitor(user: Mapping[str, Any] | None = None) -> Person | None:
    """Return the visitor; None for a visitor who may not enter.

    `user` is what the log-in or the proxy says of them; by default, of the session's visitor.
    """
    if has_login() or from_proxy():
        name = name_of_user(user)
        role = role_of(name, members()) if name else None
        return Person(name=name, role=role) if role else None
    if only_here():
        return local_user()
    if os.environ.get(OPEN) == EVERYBODY:
        return Person(name="anybody", role=ADMIN)
    return None


def person() -> Person:
    """Return the visitor, for actions on their behalf; one who may not enter can change nothing."""
    return visitor() or Person(name="nobody", role=VIEWER)


def only_here() -> bool:
    """Whether the dashboard is reachable only from its own machine, as far as its options tell.

    If browsers may call it by another name, there is a proxy in front, which others can reach.
    """
    names = [str(st.get_option("server.address") or ""), *st.get_option("server.allowedHosts")]
    return all(is_loopback(bare(name)) for name in names)


def from_proxy() -> bool:
    """Whether a proxy in front names the visitor, in headers that no one else can send."""
    return bool(st.get_option("server.trustedUserHeaders"))


def name_of_user(user: Mapping[str, Any] | None = None) -> str:
    """Return the address or name of the logged-in visitor; empty if it is not confirmed.

    A login must give an e-mail address: with many providers, anyone may choose any name.
    """
    user = st.user.to_dict() if user is None else user
    if not has_login():
        return str(user.get("email") or user.get("name") or "").strip()
    is_verified = str(user.get("email_verified", True)).lower() == "true"  # some send it as text
    return str(user.get("email") or "").strip() if user.get("is_logged_in") and is_verified else ""


def members() -> dict[str, tuple[str, ...]]:
    """Return the members of each role, by its key."""
    lists = {
        key: tuple(filter(None, map(str.strip, os.environ.get(variable_of(key), "").split(","))))
        for key in ROLES
    }
    return {**lists, VIEWER.key: lists[VIEWER.key] or VIEWERS}


def variable_of(role: str) -> str:
    """Return the environment variable that lists the members of a role."""
    return f"CIFAR_{role.upper()}S"


def bare(name: str) -> str:
    """Return an address without the brackets that IPv6 has in a URL."""
    return name.strip("[]")


def is_loopback(address: str) -> bool:
    """Whether a server at this address is reachable only from its own machine."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # empty, meaning every address of the machine, or a host name
        return False


def welcome() -> None:
    """Ask the visitor to log in, and say why the last login failed."""
    failure = FAILURES.get(st.query_params.get("login", ""))
    if failure:
        st.warning(failure, icon=":material/lock:")
    with st.container(border=True, horizontal_alignment="center"):
        st.space("medium")
        st.subheader("CIFAR Lab", anchor=False, text_alignment="center")
        st.markdown("Log in to see the runs of this lab.", text_alignment="center")
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
        st.space("medium")


def unfinished(why: str) -> None:
    """Say that login is set up but cannot work, and why."""
    with st.container(border=True):
        st.subheader("No one can log in yet", anchor=False)
        st.markdown(f"{theme.note(why)} Then restart the dashboard.")
        st.caption("docs/deploy.md has an example. Until this is fixed, nothing is shown.")


def unknown() -> None:
    """Say that the visitor has no role here, or that their identity is not confirmed."""
    name = name_of_user()
    if name:
        title = "You are not on the list"
        text = (
            f"You are logged in as {theme.safe(name)}, who has no role here. Ask an admin of "
            "this lab to add you."
        )
    elif has_login():
        address = theme.safe(str(st.user.to_dict().get("email") or ""))
        title = f"Your e-mail address is {'not confirmed' if address else 'missing'}"
        text = (
            f"You are logged in, but your provider has not confirmed that {address} is your "
            "address. Confirm it with your provider, then log out and log in again."
            if address
            else "You are logged in, but your provider did not send your e-mail address. Log out "
            "and log in with another account, or ask an admin of this lab: the provider must send "
            "the claim `email`."
        )
    else:
        title = "No one is logged in"
        text = (
            "This dashboard needs to know who is visiting (a confirmed e-mail address), and the "
            "proxy did not send it. Open it through the lab's own address, or ask an admin of this "
            "lab."
        )
    with st.container(border=True):
        st.subheader(title, anchor=False)
        st.markdown(text)
        if has_login():
            st.button("Log out", icon=":material/logout:", on_click=st.logout)


def unprotected() -> None:
    """Say that the dashboard would be open to the network, and how to protect it."""
    address = str(st.get_option("server.address") or "every address of this machine")
    names = [name for name in st.get_option("server.allowedHosts") if not is_loopback(bare(name))]
    called = f" and answers to {theme.safe(', '.join(names))}" if names else ""
    with st.container(border=True):
        st.subheader("This dashboard is not protected", anchor=False)
        st.markdown(
            f"It listens on {theme.safe(address)}{called}, where others can reach it, and has no "
            "login. Anyone who gets here could start and delete runs and fill the disk, so it "
            "shows nothing. Choose one:"
        )
        st.markdown(
            "- **Only for you:** listen on 127.0.0.1, leave `server.allowedHosts` unchanged, and "
            "reach it through ssh.\n"
            "- **With a login:** describe your provider in `app/.streamlit/secrets.toml`.\n"
            "- **Behind a proxy** that logs people in: name its header in "
            "`server.trustedUserHeaders`.\n"
            f"- **Open to anyone who can reach it**, with every permission: start it with "
            f"`{OPEN}={EVERYBODY}`."
        )
        st.caption("docs/deploy.md has an example of each.")
