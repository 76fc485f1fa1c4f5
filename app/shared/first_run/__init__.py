"""What helps a newcomer: the run that needs no form, the shipped examples, the next step."""
