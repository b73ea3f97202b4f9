"""The rungs of the ladder: what each asks of a layer."""
