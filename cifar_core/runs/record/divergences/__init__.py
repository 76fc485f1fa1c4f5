"""After which steps a run that diverged continued at a tenth of its rate."""
