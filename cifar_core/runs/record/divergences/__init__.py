"""After which steps a run that diverged went on at a tenth of its rate."""
