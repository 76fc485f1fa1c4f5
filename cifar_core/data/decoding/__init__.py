"""Decodes the pictures of a set on all cores, in the background, from where it stopped before."""

from cifar_core.data.decoding.details import Details, details_of
from cifar_core.data.decoding.lists import Lists, lists_of
from cifar_core.data.decoding.progress import Reading, reading_of
from cifar_core.data.decoding.sources import Source, kept, load, refusal_of, title_of

__all__ = [
    "Details",
    "Lists",
    "Reading",
    "Source",
    "details_of",
    "kept",
    "lists_of",
    "load",
    "reading_of",
    "refusal_of",
    "title_of",
]
