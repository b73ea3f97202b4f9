"""A right log-det whose gradient is wrong, in a layer that takes absolute values: central differences must find it."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 5, "log-det term sign flipped"


class Wrong(nfedu.Exp):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(np.abs(x))
        return z, log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)


def layer(rng):
    return Wrong(3)
