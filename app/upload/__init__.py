"""Takes large files from a browser to the disk, piece by piece, so that none of it is lost."""
