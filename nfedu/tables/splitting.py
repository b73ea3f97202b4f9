"""Rows for training, for stopping and for the last measurement: no row in two of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nfedu.arrays import Array

SHARE = 0.15  # of the rows each, for validation and for the test
MOST = (5_000, 5_000)  # of validation and test rows: more would only take time


class Parts(NamedTuple):
    """Three parts of a table's rows, each in random order."""

    train: Array
    validation: Array
    test: Array


def parts_of(rows: Array, seed: int) -> Parts:
    """Return the rows shuffled and split: 15 % for validation, 15 % for the test, at least two each."""
    shuffled = rows[np.random.default_rng([seed, 1]).permutation(len(rows))]
    validation, test = (int(np.clip(SHARE * len(rows), 2, most)) for most in MOST)
    return Parts(shuffled[validation + test :], shuffled[:validation], shuffled[validation : validation + test])
