"""What is computed once and kept in memory for all sessions, by subject."""
