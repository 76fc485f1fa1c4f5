"""Messages to people about their runs, and the ways in which they are sent."""
