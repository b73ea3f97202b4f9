"""What the checks found, and how it is said."""
