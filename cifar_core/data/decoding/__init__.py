"""Decodes the pictures of a set on all cores, in the background, from where it stopped before."""

from cifar_core.data.decoding.details import Details, details_of
from cifar_core.data.decoding.progress import Reading, reading_of
from cifar_core.data.decoding.refusals import refusal_of
from cifar_core.data.decoding.sources import Source, kept, load

__all__ = ["Details", "Reading", "Source", "details_of", "kept", "load", "reading_of", "refusal_of"]
