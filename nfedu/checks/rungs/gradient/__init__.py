"""Rung 5: backward against numerical derivatives, for the input and every parameter."""
