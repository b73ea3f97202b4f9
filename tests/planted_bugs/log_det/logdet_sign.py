"""log_det is that of the other direction."""

import nfedu
from tests.planted_bugs.right import Affine, Cholesky


class BothSignsCancel(nfedu.Exp):
    """Both log-dets have the wrong sign: they still cancel, so only a dense Jacobian can tell."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, lambda g_x, g_log_det: backward(g_x, -g_log_det)  # wrong: log_det

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, -log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)


class SameBothWays(Affine):
    """Σ α is returned by both directions."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, -log_det, lambda g, l: backward(g, -l)  # wrong: −Σ α


class DeterminantOfTheInverse(Cholesky):
    """z_to_x has the log-det of x_to_z, Σ log 1/d; its gradient is right."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, backward  # wrong: Σ log d
