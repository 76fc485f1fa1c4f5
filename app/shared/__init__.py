"""What two pages or more draw. No page is imported from here."""
