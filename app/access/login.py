"""The log-in with OpenID Connect: whether it is set up, what keeps it from working, why it failed.

Streamlit speaks with the provider; `app/server.py` notices when that came to nothing.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

PACKAGES = ("authlib", "httpx")  # what st.login imports when it is used
SETTINGS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
CALLBACK = "/oauth2callback"
SHORTEST = 32  # characters of cookie_secret; who can guess it can be anybody
FAILURES = {  # what the address says after a log-in that came to nothing, as app/server.py puts it
    "cancelled": "Your provider did not log you in: it was cancelled, or this account may not. "
    "Log in again, with another account if you have one, or ask an admin of this lab.",
    "refused": "You are not logged in: what your provider answered could not be verified. It must "
    "be signed by the provider, meant for this dashboard and fresh. Log in again, from the lab's "
    "own address; if that does not help, ask an admin of this lab, who finds the reason in the "
    "dashboard's log.",
    "unreachable": "You are not logged in: your provider could not be asked. Try again in a "
    "minute; if that does not help, ask an admin of this lab, who finds the reason in the "
    "dashboard's log.",
}


def has_login() -> bool:
    """Tell whether secrets.toml sets up a log-in, or might, if only it could be read."""
    return "auth" in st.secrets if readable() else is_there()


def readable() -> bool:
    """Tell whether there are secrets that Streamlit could read."""
    try:
        return bool(st.secrets.load_if_toml_exists())
    except OSError:  # a file that belongs to somebody else
        return False


def is_there() -> bool:
    """Tell whether there is a file of secrets, readable or not."""
    return any(Path(name).exists() for name in st.get_option("secrets.files"))


def obstacle() -> str:
    """Return why nobody can log in, and what to do; empty if nothing stands in the way."""
    if not readable():
        return (
            "secrets.toml is there but cannot be read. It must be valid TOML, and a file that the "
            "user who runs the dashboard may read: mend it, or remove it if there is no log-in."
        )
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        return (
            f"The log-in needs the Python packages {' and '.join(PACKAGES)}, but this machine "
            f"lacks {' and '.join(missing)}. Run `python -m pip install -r requirements.txt` here."
        )
    return misconfigured(st.secrets["auth"])


def misconfigured(auth: Any) -> str:
    """Return what is wrong with the section [auth], without its values; empty if nothing is."""
    given = auth if isinstance(auth, Mapping) else {}
    missing = [key for key in SETTINGS if not str(given.get(key, "")).strip()]
    if missing:
        return f"The section [auth] of secrets.toml must have {' and '.join(missing)}, but has not."
    if urlsplit(str(given["redirect_uri"])).path.endswith(CALLBACK):
        if len(str(given["cookie_secret"])) >= SHORTEST:
            return ""
        return (
            f"cookie_secret in secrets.toml is too short: it must have {SHORTEST} random "
            "characters or more, since whoever guesses it can be anybody. "
            "`python -c 'import secrets; print(secrets.token_urlsafe(48))'` makes one."
        )
    return (
        "redirect_uri in secrets.toml must be the address of this dashboard followed by "
        f"{CALLBACK}, the same as your provider knows, but ends otherwise."
    )
