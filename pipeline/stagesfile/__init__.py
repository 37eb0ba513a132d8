"""The stages file: what a user wrote, checked, with the line of every key."""
