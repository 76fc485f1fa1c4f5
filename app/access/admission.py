"""Who may enter, and as whom: the log-in, a proxy in front, or the machine itself.

$CIFAR_ADMINS, $CIFAR_OPERATORS and $CIFAR_VIEWERS list who has which role: e-mail addresses,
"@example.org" for all of a domain, "*" for everybody who is logged in, with commas between.
"""

import ipaddress
import os

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app import theme
from app.access import admitted
from app.access.login import FAILURES, has_login, obstacle
from cifar_core.people import ADMIN, ROLES, VIEWER, Person, local_user, role_of

OPEN = "CIFAR_OPEN"  # set to EVERYBODY, whoever reaches the address may do everything
EVERYBODY = "everybody"
VIEWERS = ("*",)  # of those who are logged in, unless $CIFAR_VIEWERS says otherwise


def admit() -> None:
    """Draw a page that says why and stop, unless whoever looks may enter."""
    if has_login() and (why := obstacle()):
        unfinished(why)
    elif has_login() and not st.user.is_logged_in:
        welcome()
    elif visitor() is None:
        if has_login() or from_proxy():
            unknown()
        else:
            unprotected()
    else:
        context = get_script_run_ctx()
        if context:
            admitted.add(context.session_id)
        return
    st.stop()


def visitor() -> Person | None:
    """Return who looks; None for somebody who may not even look."""
    if has_login() or from_proxy():
        name = name_of_user()
        role = role_of(name, members()) if name else None
        return Person(name=name, role=role) if role else None
    if only_here():
        return local_user()
    if os.environ.get(OPEN) == EVERYBODY:
        return Person(name="anybody", role=ADMIN)
    return None


def person() -> Person:
    """Return who looks, for what is done on their behalf; nobody gets no rights at all."""
    return visitor() or Person(name="nobody", role=VIEWER)


def only_here() -> bool:
    """Tell whether the dashboard is reached from its own machine alone, as far as is known.

    Whoever lets browsers call it by another name has a proxy in front of it, which strangers reach.
    """
    names = [str(st.get_option("server.address") or ""), *st.get_option("server.allowedHosts")]
    return all(is_loopback(bare(name)) for name in names)


def from_proxy() -> bool:
    """Tell whether a proxy in front says who looks, in headers that no one else can send."""
    return bool(st.get_option("server.trustedUserHeaders"))


def name_of_user() -> str:
    """Return the address or name of who is logged in; empty if it is not known for sure.

    A log-in must give an e-mail address: at many providers anybody may choose any name.
    """
    user = st.user.to_dict()
    if not has_login():
        return str(user.get("email") or user.get("name") or "").strip()
    sure = str(user.get("email_verified", True)).lower() == "true"  # some send it as a text
    return str(user.get("email") or "").strip() if user.get("is_logged_in") and sure else ""


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


def bare(name: str) -> str:
    """Return an address without the brackets that IPv6 has in a URL."""
    return name.strip("[]")


def is_loopback(address: str) -> bool:
    """Tell whether a server at this address is reached from its own machine alone."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # empty, which is every address of the machine, or a host's name
        return False


def welcome() -> None:
    """Ask for the log-in, and say why the last one came to nothing."""
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
    """Say that the log-in is set up, but cannot work, and why."""
    with st.container(border=True):
        st.subheader("Nobody can log in yet", anchor=False)
        st.markdown(f"{theme.note(why)} Then start the dashboard again.")
        st.caption("docs/deploy.md has an example. Until then nothing is shown.")


def unknown() -> None:
    """Say that somebody is logged in but in no list, or that nobody vouches for who it is."""
    name = name_of_user()
    if name:
        title = "You are not on the list"
        text = (
            f"You are logged in as {theme.safe(name)}, who has no role here. Ask an admin of "
            "this lab to add you."
        )
    elif has_login():
        given = theme.safe(str(st.user.to_dict().get("email") or ""))
        title = "Your e-mail address is not confirmed"
        text = (
            f"You are logged in, and your provider says that it has not confirmed {given} as your "
            "address. It must be confirmed before it counts here: do so at your provider, then "
            "log out and in again."
            if given
            else "You are logged in, but your provider did not say with which e-mail address. It "
            "must, and the address must be confirmed. Log out and in with another account, or ask "
            "an admin of this lab: the provider must send the claim `email`."
        )
    else:
        title = "Nobody is logged in"
        text = (
            "This dashboard must be told who looks, with a confirmed e-mail address, and was "
            "not. Open it through the lab's own address, or ask an admin of this lab."
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
            "log-in. Whoever gets here could start and delete runs and fill the disk, so it shows "
            "nothing. Choose one:"
        )
        st.markdown(
            "- **Only for you:** listen on 127.0.0.1, leave `server.allowedHosts` as it is, and "
            "reach it through ssh.\n"
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
