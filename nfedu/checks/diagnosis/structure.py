"""A Jacobian without its promised structure: which entries break the promise."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array


def of_structure(jacobian: Array, pattern: Array, tolerance: float) -> str:
    """Describe where a Jacobian (n, n) is not what `pattern` fixes, up to `tolerance`, where that is not NaN."""
    fixed = ~np.isnan(pattern)
    wrong = np.argwhere(fixed & ~(abs(jacobian - np.where(fixed, pattern, 0)) <= tolerance))
    if not len(wrong):
        return ""
    places = ", ".join(f"({i}, {j})" for i, j in wrong[:4]) + (" …" if len(wrong) > 4 else "")
    near = [not fixed[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].all() for i, j in wrong]
    if all(near) and all(pattern[i, j] == 0 for i, j in wrong):
        return f"output i depends on input j at (i, j) = {places}, right beside the allowed entries: a mask off by one"
    if all(i == j for i, j in wrong):
        return f"the diagonal is not what the layer promises, at {places}"
    return f"output i depends on input j where the layer promises it does not, at (i, j) = {places}"
