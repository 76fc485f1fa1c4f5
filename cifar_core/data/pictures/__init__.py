"""Opens pictures of any format within limits, and extracts what a network sees of them."""
