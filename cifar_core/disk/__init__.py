"""Files that survive a power cut, locks, free space, downloads, CSV tables. Knows no run."""
