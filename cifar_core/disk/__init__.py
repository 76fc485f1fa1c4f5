"""Files that survive a power cut, locks, free space and downloads. Knows no run."""
