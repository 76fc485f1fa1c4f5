"""The published sets, a few files of entries by what the images show."""
