"""The import of runs: a whole one from another store, or curves of other tools."""
