"""A scale without its log-det: the density no longer integrates to one."""

import numpy as np

import nfedu

RUNG, DIAGNOSIS = 3, "zero: the log-det is missing"


class Wrong(nfedu.Exp):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, np.zeros_like(log_det), lambda g_x, g_log_det: backward(g_x, 0 * g_log_det)


def layer(rng):
    return Wrong(3)
