"""What a run takes over from other runs: training on, starting from weights, learning from them."""
