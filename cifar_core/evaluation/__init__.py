"""What is computed from a network's answers to many images: logits and labels in, figures out."""
