"""What is kept of a run of another tool, of which only the curves were imported."""
