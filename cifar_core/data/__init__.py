"""Datasets: finds, downloads and decodes them, splits them and cuts them into batches."""

from cifar_core.data.choices import titles_of
from cifar_core.data.find import DataStatus, load, offered_to, resolve, status, title_of

__all__ = ["DataStatus", "load", "offered_to", "resolve", "status", "title_of", "titles_of"]
