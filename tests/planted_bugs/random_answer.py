"""Noise drawn inside the layer: no inverse can undo it, and no gradient be checked."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 1, "two calls differ"


class Wrong(nfedu.Shift):
    rng = np.random.default_rng(0)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z + 1e-3 * self.rng.standard_normal(z.shape), log_det, backward


def layer(rng):
    return Wrong(3)
