"""A second call of the same backward gives something else."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Algebraic, Cholesky, Omega


class SlopeOverwritten(Algebraic):
    """The product is written over the slope, which the second call needs."""

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)
        slope, curve = self.slope(z), self.curve(z)

        def backward(g, l):
            return np.multiply(slope, g, out=slope) + l[:, None] * curve  # wrong: slope * g

        return x, log_det, backward


class BackwardsPopped(nfedu.Chain):
    """A chain's backward takes the layers' backwards off a stack until it is empty."""

    def __init__(self, n, rng):
        super().__init__([Omega(n), Cholesky(n, rng)])

    def z_to_x(self, y):
        log_det, stack = 0.0, []
        for layer in self.bijections:
            y, log_det_m, backward_m = layer.z_to_x(y)
            log_det = log_det + log_det_m
            stack.append(backward_m)

        def backward(g, l):
            while stack:
                g = stack.pop()(g, l)  # wrong: for backward_m in reversed(stack)
            return g

        return y, log_det, backward
