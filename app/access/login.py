"""Login with OpenID Connect: whether it is set up, what prevents it, and why it failed.

Streamlit talks to the provider; `app/server.py` notices when that fails.
"""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st

PACKAGES = ("authlib", "httpx")  # imported by st.login when it is used
SETTINGS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
CALLBACK = "/oauth2callback"
SHORTEST = 32  # characters of cookie_secret; anyone who guesses it can pose as anyone
FAILURES = {  # by the reason that app/server.py writes into the address
    "cancelled": "Your provider did not log you in: the login was canceled, or this account is "
    "not allowed. Log in again, with another account if you have one, or ask an admin of this lab.",
    "refused": "You are not logged in: your provider's response could not be verified. It must be "
    "signed by the provider, issued for this dashboard and recent. Log in again from the lab's own "
    "address; if that does not help, ask an admin of this lab, who can find the reason in the "
    "dashboard's log.",
    "unreachable": "You are not logged in: your provider could not be reached. Try again in a "
    "minute; if that does not help, ask an admin of this lab, who can find the reason in the "
    "dashboard's log.",
}


def has_login() -> bool:
    """Whether secrets.toml sets up a login; a file that cannot be read counts as one that does."""
    return "auth" in st.secrets if readable() else exists()


def readable() -> bool:
    """Whether there are secrets that Streamlit could read."""
    try:
        return bool(st.secrets.load_if_toml_exists())
    except OSError:  # a file that belongs to another user
        return False


def exists() -> bool:
    """Whether a secrets file exists, readable or not."""
    return any(Path(name).exists() for name in st.get_option("secrets.files"))


def obstacle() -> str:
    """Return why no one can log in, and what to do; empty if login works."""
    if not readable():
        return (
            "secrets.toml exists but cannot be read. It must be valid TOML, and readable for the "
            "user who runs the dashboard: fix it, or remove it if no login is wanted."
        )
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        return (
            f"Login needs the Python packages {' and '.join(PACKAGES)}, but this machine lacks "
            f"{' and '.join(missing)}. Run `python -m pip install -r requirements.txt` here."
        )
    return misconfigured(st.secrets["auth"])


def misconfigured(auth: Any) -> str:
    """Return what is wrong with the section [auth], without its values; empty if nothing is."""
    values = auth if isinstance(auth, Mapping) else {}
    missing = [key for key in SETTINGS if not str(values.get(key, "")).strip()]
    if missing:
        return f"The section [auth] of secrets.toml is missing {' and '.join(missing)}."
    if urlsplit(str(values["redirect_uri"])).path.endswith(CALLBACK):
        if len(str(values["cookie_secret"])) >= SHORTEST:
            return ""
        return (
            f"cookie_secret in secrets.toml is too short: it must have at least {SHORTEST} random "
            "characters, since anyone who guesses it can log in as anyone. "
            "`python -c 'import secrets; print(secrets.token_urlsafe(48))'` generates one."
        )
    return (
        "redirect_uri in secrets.toml must be the address of this dashboard followed by "
        f"{CALLBACK}, exactly as registered with your provider, but it does not end so."
    )
