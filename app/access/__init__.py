"""Who may enter, and as whom."""
