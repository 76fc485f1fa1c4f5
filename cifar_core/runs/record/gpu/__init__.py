"""What is recorded of the GPU that a run trains on."""
