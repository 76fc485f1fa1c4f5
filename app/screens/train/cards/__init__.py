"""What is always in sight: the images, the network, and how long it trains."""
