"""Layers that give their coordinates mean 0 and deviation 1 by what they observe in the data."""
