"""How a run used its machine while it trained: rows beside those of its metrics."""
