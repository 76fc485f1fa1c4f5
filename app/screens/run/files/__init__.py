"""The Files tab: log, checkpoints, exports, and who did what."""
