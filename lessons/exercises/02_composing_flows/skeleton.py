"""Lesson 02 · Composing flows, and learning them.

Fill in the blanks, then: python -m lessons grade 02 exercise_02.py
"""

import numpy as np


def solve(L, x):
    """A triangular solve and its backward: z = L⁻¹ x for each row of x (N, n), L (n, n) lower triangular.

    Return z (N, n) and a function backward(g). That takes the loss's gradient with respect to z and returns those with
    respect to x (N, n) and L (n, n); what lies above L's diagonal is not a parameter and gets exact zeros.

    Time: 25 minutes. You learn to differentiate an inverse without a formula for it: L dz = dx − dL z.
    """
    raise NotImplementedError


def chain(maps, y):
    """Composition of maps (N7): each of the list, in its order, takes what the one before it made.

    A map takes y (N, n) and returns its output, its log_det (N,) and its backward(g_out, g_log_det), which returns the
    gradient with respect to its input. Return the same three for the whole.

    Time: 20 minutes. You learn why log-dets add, in which order backward goes, and who gets g_log_det.
    """
    raise NotImplementedError


def missing_log_det(log_density, low, high):
    """A log-det that somebody forgot, found from ∫p = 1.

    log_density takes points (K, 2) and returns log p(x) but for a log-det, the same at every point. All of the mass
    lies in the square [low, high]². Return the number that must be added to log_density, to five digits or better, from
    at most 300,000 points in all.

    Time: 15 minutes. You learn what "normalized" buys: one constant, and no more than that.
    """
    raise NotImplementedError
