"""Coupling: one part of the coordinates passes and says how the others are moved (N10–N16)."""
