"""The formats in which sets of images come, one entry each: `FORMATS` in formats.py."""
