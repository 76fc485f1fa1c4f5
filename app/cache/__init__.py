"""Results that are computed once and cached in memory for all sessions, by subject."""
