"""What a run computes once of its images and keeps: features, and the answers of teachers."""
