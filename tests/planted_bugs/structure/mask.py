"""An output depends on what it promises not to depend on."""

import numpy as np

import nfedu
from nfedu import Bijection
from nfedu.bijections.elementwise.base import Elementwise
from tests.planted_bugs.right import Maf


class OneDiagonalTooMany(Bijection):
    """x = z + zM, with M strictly lower triangular as promised but for one diagonal more: x_i must see z_{<i} alone."""

    def __init__(self, n=4, rng=None):
        self.n = n
        self.A = np.eye(n) + 0.5 * np.tril(rng.standard_normal((n, n)), 1)  # wrong: tril(…, -1)

    def multiply(self, y, A):
        log_det = np.full(len(y), np.linalg.slogdet(A)[1])
        return y @ A.T, log_det, lambda g, g_log_det: g @ A

    def z_to_x(self, z):
        return self.multiply(z, self.A)

    def x_to_z(self, x):
        return self.multiply(x, np.linalg.inv(self.A))

    def jacobian_pattern(self):
        return np.where(np.tri(self.n), np.nan, 0), np.full((self.n, self.n), np.nan)


class MeanAmongSingleCoordinates(Elementwise):
    """It promises a diagonal Jacobian, and adds a multiple of the coordinates' mean."""

    def z_to_x(self, z):
        mean = z.mean(axis=1, keepdims=True)  # wrong: no coordinate but its own
        return z + mean, np.full(len(z), np.log(2)), lambda g, l: g + g.mean(axis=1, keepdims=True)

    def x_to_z(self, x):
        mean = x.mean(axis=1, keepdims=True)
        return x - mean / 2, np.full(len(x), -np.log(2)), lambda g, l: g - g.mean(axis=1, keepdims=True) / 2


class PassingHalfScaled(nfedu.Chain):
    """A coupling and a scale that promise, together, what a coupling promises: ones on the diagonal."""

    def __init__(self, n=4, rng=None):
        self.coupling = nfedu.AdditiveCoupling(n, (5,), activation="tanh", rng=rng)
        super().__init__([self.coupling, nfedu.Rescale(n, 2.0)])

    def jacobian_pattern(self):
        return self.coupling.jacobian_pattern()  # wrong: 2 and 1/2 on the diagonal


class OtherOrder(Maf):
    """The layer works through its coordinates from the last to the first, and promises the other triangle."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, rng)
        self.order = np.arange(n)[::-1]
        self.place = np.argsort(self.order)

    def jacobian_pattern(self):
        lower = np.where(np.tri(self.n), np.nan, 0)
        return lower, lower  # wrong: in the layer's own order
