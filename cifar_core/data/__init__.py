"""Datasets: found, downloaded, decoded once, split and cut into batches."""

from cifar_core.data.find import Status, load, resolve, status

__all__ = ["Status", "load", "resolve", "status"]
