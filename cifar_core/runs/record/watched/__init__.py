"""What a run's validations showed of a few images and of each pair of classes."""
