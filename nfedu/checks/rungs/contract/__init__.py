"""Rung 1: what a call returns, and that it leaves no traces: in its inputs, θ, the layer, an earlier result."""
