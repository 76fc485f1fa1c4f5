"""How runs are related, drawn: where a curve continues from another run's, and the family tree."""
