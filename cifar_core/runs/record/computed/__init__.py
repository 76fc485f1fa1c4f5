"""The record of a run's steps and of its images."""
