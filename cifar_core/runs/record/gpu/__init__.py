"""What is recorded of the GPU that a run trains on: what it is, and how it is used."""
