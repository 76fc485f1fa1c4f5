"""Datasets: found, downloaded, decoded once, split and cut into batches."""
