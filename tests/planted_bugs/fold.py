"""x = z² is undone by a square root only where z > 0: data come back, latents do not."""

import numpy as np

from nfedu import Bijection

RUNG, DIAGNOSIS = 2, "no column comes back"


class Wrong(Bijection):
    n = 2

    def z_to_x(self, z):
        return z**2, np.log(2 * abs(z)).sum(axis=1), lambda g_x, g_log_det: 2 * g_x * z + g_log_det[:, None] / z

    def x_to_z(self, x):
        z = np.sqrt(x)

        def backward(g_z, g_log_det):
            return g_z / (2 * z) - g_log_det[:, None] / (2 * x)

        return z, -np.log(2 * z).sum(axis=1), backward


def layer(rng):
    return Wrong()
