"""What is recorded of how a run was computed, and on which images."""
