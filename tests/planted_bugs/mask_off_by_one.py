"""x = z + zM, with M strictly upper triangular as promised but for one diagonal more: x_i must see z_{<i} alone."""

import numpy as np

from nfedu import Bijection

RUNG, DIAGNOSIS = 4, "a mask off by one"


class Wrong(Bijection):
    n = 4

    def __init__(self, rng):
        self.A = np.eye(4) + 0.5 * np.tril(rng.standard_normal((4, 4)), 1)  # wrong: tril(…, -1)

    def multiply(self, y, A):
        log_det = np.full(len(y), np.linalg.slogdet(A)[1])
        return y @ A.T, log_det, lambda g, g_log_det: g @ A

    def z_to_x(self, z):
        return self.multiply(z, self.A)

    def x_to_z(self, x):
        return self.multiply(x, np.linalg.inv(self.A))

    def jacobian_pattern(self):
        return np.where(np.tri(4, 4), np.nan, 0), np.full((4, 4), np.nan)


def layer(rng):
    return Wrong(rng)
