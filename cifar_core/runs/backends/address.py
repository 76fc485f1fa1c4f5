"""Which addresses a cluster may have: a token must not cross a public network in clear text."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

FORM = "it should be of the form http://host:port or https://host:port, such as "
EXAMPLE = "http://10.0.0.5:8265"
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")


@dataclass(frozen=True, kw_only=True)
class Address:
    """The parts of an address."""

    encrypted: bool  # https, with the server's certificate checked
    host: str
    port: int


def parsed(text: str) -> Address | None:
    """Return the parts of an address; None for one of another form."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    is_plain = parts.netloc.lower() in (f"{host}:{port}", f"[{host}]:{port}")
    if parts.scheme not in ("http", "https") or not port or not is_plain:
        return None
    if parts.path not in ("", "/") or parts.query or parts.fragment or not is_host(host):
        return None
    return Address(encrypted=parts.scheme == "https", host=host, port=port)


def is_host(text: str) -> bool:
    """Return True if a text is a name or a number of a machine."""
    return HOST.fullmatch(text) is not None or is_number(text)


def is_number(text: str) -> bool:
    """Return True if a text is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def may_be_clear(number: str) -> bool:
    """Return True if http may be used to an IP address: this machine or a private network.

    Link-local addresses, at which clouds answer with secrets, are left out (RFC 3927, 4291).
    """
    ip = ipaddress.ip_address(number.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    is_near = ip.is_loopback or ip.is_private
    return is_near and not (ip.is_link_local or ip.is_unspecified or ip.is_multicast)


def problem_of(text: str) -> str:
    """Return the sentence about an address that cannot be used; empty for one that can.

    What a name stands for is checked at each connection.
    """
    address = parsed(text)
    if address is None:
        shown = "is empty" if not text else f"is '{shown_of(text)}'"
        return f"The address {shown}; {FORM}{EXAMPLE}."
    if not address.encrypted and is_number(address.host) and not may_be_clear(address.host):
        return not_private(address.host)
    return ""


def shown_of(text: str) -> str:
    """Return an address as a sentence may quote it, without a password that is part of it."""
    return re.sub(r"//[^/]*@", "//...@", text[:120])


def not_private(host: str) -> str:
    """Return the sentence about http to a machine elsewhere."""
    return (
        f"{host} is not on this machine or a private network, where http would show the token to "
        "others; use https, or a tunnel that ends on this machine."
    )
