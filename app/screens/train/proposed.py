"""The network and the settings proposed for a person's own images: taken once, never locked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app import theme
from app.screens.train.draft import Draft
from app.screens.train.starting_points import take
from app.session import Key, inventory, remember, remembered, store
from cifar_core.errors import ConfigError, DataError
from cifar_core.proposals import Proposal, propose
from cifar_core.proposals.facts import facts_of, machine_facts

OWN = "folder"  # the kind of a person's own images


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A proposal that a draft began with, and the images that it is for; or why there is none."""

    source: str
    proposal: Proposal | None = None
    why_not: str = ""


def await_images(source: str) -> None:
    """Remember that a network is to be proposed for these images once they are open."""
    remember(Key.AWAITED, source)


def follow(values: Mapping[str, Any], start: Mapping[str, Any], draft: Draft) -> bool:
    """Take the proposal for images that were chosen and are open now; True if the draft is new.

    A network that the person has chosen stays.
    """
    images, awaited = draft.images, remembered(Key.AWAITED)
    if images is None or awaited != draft.source:
        return False
    remember(Key.AWAITED, None)
    if images.kind != OWN:
        return False
    try:
        proposal = propose(facts_of(images), machine_facts(inventory(), store().root))
    except DataError as error:
        remember(Key.PROPOSED, Taken(source=draft.source, why_not=str(error)))
        return False
    remember(Key.PROPOSED, Taken(source=draft.source, proposal=proposal))
    if values["model"] != start["model"]:
        return False
    return use(proposal, str(values["data"]))


def use(proposal: Proposal, source: str) -> bool:
    """Begin a draft with a proposal; True if its settings can be used."""
    try:
        take({**proposal.values(), "data": source})
    except ConfigError as error:
        remember(Key.PROPOSED, Taken(source=source, why_not=str(error)))
        return False
    return True


def taken(draft: Draft) -> Taken | None:
    """Return what was proposed for the images of a draft, if anything was."""
    found: Taken | None = remembered(Key.PROPOSED)
    return found if found and draft.source and found.source == draft.source else None


def current(draft: Draft, model: str) -> Proposal | None:
    """Return the proposal for a draft's images if its network is the chosen one."""
    found = taken(draft)
    proposal = found.proposal if found else None
    return proposal if proposal and proposal.network == model else None


def reasons(proposal: Proposal) -> str:
    """Write why this network and these settings, as Markdown."""
    lines = [proposal.reason, *proposal.reasons.values(), proposal.caution]
    return "\n\n".join(theme.safe(line) for line in lines if line)
