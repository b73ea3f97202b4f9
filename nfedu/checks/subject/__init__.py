"""A layer under examination, and whatever its code does."""
