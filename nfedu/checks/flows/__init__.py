"""Rung 6: a flow, its base and its density."""
