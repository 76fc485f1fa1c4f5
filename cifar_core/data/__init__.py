"""Datasets: finds, downloads and decodes them, splits them and cuts them into batches."""

from cifar_core.data.choices import titles_of
from cifar_core.data.find import load
from cifar_core.data.listing import DataStatus, status, title_of
from cifar_core.data.permitted import offered_to, resolve

__all__ = ["DataStatus", "load", "offered_to", "resolve", "status", "title_of", "titles_of"]
