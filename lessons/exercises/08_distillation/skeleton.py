"""Lesson 08 · Probability density distillation.

Fill in the blanks, then: python -m lessons grade 08 exercise_08.py
"""

import numpy as np


def kl_gradient(z, mu, alpha, score):
    """The gradient of D_KL(s‖t) for the simplest student, x = e^α z + μ in each coordinate (N21, N22).

    z (N, n) are draws of N(0, I), μ and α (n,), and score(x) returns the teacher's ∇_x log t(x), (N, n). Return the
    gradients of the mean over the N draws with respect to μ and α, (n,) each.

    Time: 20 minutes. You learn how a gradient goes through samples, and what the log-det adds.
    """
    raise NotImplementedError


def kl_estimate(z, log_det, log_t):
    """D_KL(s‖t) from the student's own samples, and how far to trust it (N21).

    The student made x from z (N, n), draws of its base N(0, I), with log_det = log|det ∂x/∂z| (N,); log_t (N,) is
    log t(x). Return the estimate and its standard error, two numbers (variance with N − 1).

    Time: 15 minutes. You learn why log s(x) is free for own samples, and to give no number without its error.
    """
    raise NotImplementedError


def least_kl(weights, covered):
    """What a student pays that drops modes: the least D_KL(s‖t) if s may be anything on some modes, and 0 elsewhere.

    The teacher is a mixture of modes that do not overlap, with `weights` (K,) that sum to 1; `covered` (K,) are
    booleans, at least one true. Return that least KL, and the weights (K,) that the best student gives the modes.

    Time: 20 minutes. You learn that dropping a mode is not free, but costs a finite price: that is mode-seeking.
    """
    raise NotImplementedError
