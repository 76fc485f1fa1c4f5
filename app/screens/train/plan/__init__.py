"""What will happen, how long it takes, and the button that starts it."""
