"""How runs are related, drawn: where a curve goes on from another run's, and the family tree."""
