"""What to train on given images: facts about every network, and a proposal by stated rules."""

from cifar_core.proposals.facts import ImageFacts, MachineFacts
from cifar_core.proposals.proposal import Duration, Proposal, propose

__all__ = ["Duration", "ImageFacts", "MachineFacts", "Proposal", "propose"]
