"""The services that messages may be sent through, and how plain text stays plain in each.

Everything in a message may hold words of a person, such as the name of a run, so all of it is
escaped: no service may find a mention, a link or markup in it.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from cifar_core.registry import Registry, did_you_mean

LONGEST_TITLE, LONGEST_TEXT = 150, 1000  # characters; the shortest limits are those of Discord
APART = "\u200b"  # takes no room, and stands between two characters that mean something together
LINK = re.compile(r"(?<=[A-Za-z])://|(?<=www)\.|(?<=mailto):", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Service:
    """A service that Apprise can send through."""

    key: str
    title: str
    summary: str  # what its address looks like
    schemes: tuple[str, ...]  # of its addresses
    escape: Callable[[str], str]  # returns a text that the service shows as it is
    joins: bool = False  # the title is sent as a line of the text: Apprise escapes titles itself


def as_it_is(text: str) -> str:
    """Return a text for a service without markup or mentions."""
    return text


def without_links(text: str) -> str:
    """Return a text in which no address of a site becomes a link, and no one is mentioned."""
    return LINK.sub(lambda match: APART + match[0], text).replace("@", f"@{APART}")


def for_discord(text: str) -> str:
    """Escape Discord's Markdown, mentions and links."""
    return re.sub(r"([\\`*_~|<>\[\]()#:-])", r"\\\1", without_links(text))


def for_slack(text: str) -> str:
    """Escape the three characters with a meaning to Slack, as its documentation asks, and markup.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    text = without_links(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"[*_~`]", lambda match: match[0] + APART, text)


SERVICES = Registry(
    "service for messages",
    [
        Service(
            key="webhook",
            title="Webhook",
            summary="json://host/path or jsons://host/path, which gets the message as JSON",
            schemes=("json", "jsons"),
            escape=as_it_is,
        ),
        Service(
            key="slack",
            title="Slack",
            summary="slack://TokenA/TokenB/TokenC of an incoming webhook",
            schemes=("slack",),
            escape=for_slack,
            joins=True,
        ),
        Service(
            key="discord",
            title="Discord",
            summary="discord://WebhookID/WebhookToken",
            schemes=("discord",),
            escape=for_discord,
        ),
        Service(
            key="ntfy",
            title="ntfy",
            summary="ntfy://topic, or ntfys://host/topic for a server of your own",
            schemes=("ntfy", "ntfys"),
            escape=without_links,
        ),
        Service(
            key="mail",
            title="Mail",
            summary="mailtos://user:password@host?to=ann@example.org",
            schemes=("mailto", "mailtos"),
            escape=without_links,
        ),
    ],
)
SCHEMES = {scheme: service for service in SERVICES.values() for scheme in service.schemes}


def unknown(scheme: str) -> str:
    """Say that messages cannot be sent through a scheme, and which there are."""
    word = scheme if re.fullmatch("[a-z0-9]{1,12}", scheme) else ""
    which = f"the scheme '{word}'" if word else "no scheme"  # the rest may be secret
    hint = did_you_mean(word, SCHEMES) if word else ""
    return f"has {which}, so it is not used. {hint}Known: {', '.join(SCHEMES)}."


def plain(text: str, longest: int) -> str:
    """Return a text on one line without invisible or control characters, cut to a length."""
    kept = "".join(c for c in text if c.isspace() or unicodedata.category(c)[0] != "C")
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "\u2026"


def written(service: Service, title: str, text: str) -> tuple[str, str]:
    """Return the title and the text of a message as a service must get them."""
    head, body = plain(title, LONGEST_TITLE), plain(text, LONGEST_TEXT)
    if service.joins:
        return "", f"{service.escape(head)}\n{service.escape(body)}"
    return service.escape(head), service.escape(body)
