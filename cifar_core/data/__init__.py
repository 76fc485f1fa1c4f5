"""Datasets: found, downloaded, decoded once, split and cut into batches."""

from cifar_core.data.find import DataStatus, load, resolve, status

__all__ = ["DataStatus", "load", "resolve", "status"]
